/**
 * PowerPC's own interrupts and translation of addresses, as QEMU's system emulator has them: what each case left is kept
 * in `system_32.txt` and `system_64.txt`, printed by QEMU 7.2; where QEMU is there it is asked anew.
 */
import { assertEquals } from "@std/assert";
import { Uart16550 } from "../../../../emulator/machine/devices/uart16550.ts";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { isInstalled, printedByQemu } from "./qemu_system.ts";
import { CASES_32, SYSTEM_32 } from "./system_cases_32.ts";
import { CASES_64, SYSTEM_64 } from "./system_cases_64.ts";
import { type System, type SystemCase, systemGuest } from "./system_guest.ts";

interface Machine {
  readonly system: System;
  readonly cases: readonly SystemCase[];
  /** Where the image lies when the machine starts, and how long it is. */
  readonly at: number;
  readonly size: number;
  /** What QEMU printed. */
  readonly kept: string;
  readonly qemu: readonly [string, ...string[]];
  /** Listens to what the guest sends. */
  attach(vm: Vm, transmit: (byte: number) => void): void;
}

const MACHINES: readonly Machine[] = [
  {
    // The PReP board's ROM and its first serial port.
    system: SYSTEM_32,
    cases: CASES_32,
    at: 0xfff0_0000,
    size: 0x10_0000,
    kept: "system_32.txt",
    qemu: ["qemu-system-ppc", "-M", "40p", "-cpu", "750"],
    attach(vm, transmit) {
      const uart = new Uart16550({ transmit });
      vm.mmio.add({ base: 0x8000_03f8, size: uart.size, name: uart.name }, uart);
    },
  },
  {
    system: SYSTEM_64,
    cases: CASES_64,
    at: 0,
    size: 0x1_0000,
    kept: "system_64.txt",
    qemu: ["qemu-system-ppc64", "-M", "pseries,usb=off", "-cpu", "POWER8", "-nodefaults"],
    attach(vm, transmit) {
      vm.hypercalls.register(0x58, {
        name: "H_PUT_TERM_CHAR",
        call({ registers }) {
          transmit(Number(registers.get("r6") >> 56n));
          registers.set("r3", 0);
        },
      });
    },
  },
];

function imageOf(vm: Vm, { system, cases, size }: Machine) {
  const { bytes, origin, symbols } = vm.assemble(systemGuest(system, cases), 0n);
  const image = new Uint8Array(size);
  image.set(bytes, Number(origin));
  return { image, end: symbols.get("stop")! };
}

async function printed(machine: Machine, engine: "interpreter" | "oracle"): Promise<string[]> {
  const { system: { mode }, at, size } = machine;
  const vm = createVm({ arch: "ppc", mode, engine });
  const { image, end } = imageOf(vm, machine);
  if (at !== 0) vm.memory.addSlot({ name: "rom", gpa: at, size, readOnly: true });
  vm.memory.write(at, image);
  let text = "";
  machine.attach(vm, (byte) => void (text += String.fromCharCode(byte)));
  vm.vcpu.pc = BigInt(at + 0x100);
  const stop = await vm.run({ instructions: 2_000_000, until: end });
  assertEquals(stop.reason, "UNTIL", stop.message);
  return text.split("\n").map((line) => line.trim());
}

/** One line for each case, its name after what it left. */
function named({ cases }: Machine, lines: readonly string[]): string[] {
  return cases.map(({ name }, index) => `${lines[index + 1] ?? "nothing"} | ${name}`);
}

async function kept(machine: Machine): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(machine.kept, import.meta.url));
  return text.trimEnd().split("\n");
}

for (const machine of MACHINES) {
  const { system: { mode }, cases, qemu: [program, ...args] } = machine;
  for (const engine of ["interpreter", "oracle"] as const) {
    Deno.test(`interrupts of a ${mode}-bit guest leave what they leave under QEMU, ${engine}`, async () => {
      assertEquals(named(machine, await printed(machine, engine)), await kept(machine));
    });
  }
  const present = await isInstalled(program);
  Deno.test({
    name: `${machine.kept} is what ${program} prints${present ? "" : " (skipped: it cannot be run)"}`,
    ignore: !present,
    async fn() {
      const { image } = imageOf(createVm({ arch: "ppc", mode }), machine);
      const lines = await printedByQemu(program, args, image, cases.length + 1);
      assertEquals(named(machine, lines), await kept(machine));
    },
  });
}
