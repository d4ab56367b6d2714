/**
 * PowerPC's own interrupts and translation of addresses, as QEMU's system emulator has them: what each case left is kept
 * in `system_32.txt` and `system_64.txt`, printed by QEMU 7.2; where QEMU is there it is asked anew.
 */
import { assertEquals } from "@std/assert";
import { Uart16550 } from "../../../../emulator/machine/devices/uart16550.ts";
import { createVm, type VmOptions } from "../../../../emulator/machine/vm.ts";
import { isInstalled, printedByQemu } from "./qemu_system.ts";
import { CASES_32, SYSTEM_32 } from "./system_cases_32.ts";
import { type SystemCase, systemGuest } from "./system_guest.ts";

/** The PReP board's ROM and its first serial port. */
const ROM = { gpa: 0xfff0_0000, size: 0x10_0000 }, PORT = 0x8000_03f8;

function image32(): Uint8Array<ArrayBuffer> {
  const vm = createVm({ arch: "ppc", mode: 32 });
  const { bytes, origin } = vm.assemble(systemGuest(SYSTEM_32, CASES_32), 0n);
  const rom = new Uint8Array(ROM.size);
  rom.set(bytes, Number(origin));
  return rom;
}

async function printed32(engine: VmOptions["engine"]): Promise<string[]> {
  const vm = createVm({ arch: "ppc", mode: 32, engine });
  const rom = image32();
  vm.memory.addSlot({ name: "rom", ...ROM, readOnly: true });
  vm.memory.write(ROM.gpa, rom);
  let text = "";
  const uart = new Uart16550({ transmit: (byte) => void (text += String.fromCharCode(byte)) });
  vm.mmio.add({ base: PORT, size: 8, name: uart.name }, uart);
  vm.vcpu.pc = BigInt(ROM.gpa + 0x100);
  const stop = await vm.run({ instructions: 2_000_000 });
  assertEquals(stop.reason, "BUDGET", stop.message);
  return text.split("\n").map((line) => line.trim());
}

/** One line for each case, its name before what it left. */
function named(cases: readonly SystemCase[], lines: readonly string[]): string[] {
  return cases.map(({ name }, index) => `${lines[index + 1] ?? "nothing"} | ${name}`);
}

async function kept(file: string): Promise<string[]> {
  const text = await Deno.readTextFile(new URL(file, import.meta.url));
  return text.trimEnd().split("\n");
}

for (const engine of ["interpreter", "oracle"] as const) {
  Deno.test(`a 32-bit guest's interrupts leave what QEMU's leave, ${engine}`, async () => {
    assertEquals(named(CASES_32, await printed32(engine)), await kept("system_32.txt"));
  });
}

const PROGRAM_32 = "qemu-system-ppc", present32 = await isInstalled(PROGRAM_32);

Deno.test({
  name: `system_32.txt is what ${PROGRAM_32} prints${present32 ? "" : " (skipped: it cannot be run)"}`,
  ignore: !present32,
  async fn() {
    const args = ["-M", "40p", "-cpu", "750"];
    const lines = await printedByQemu(PROGRAM_32, args, image32(), CASES_32.length + 1);
    assertEquals(named(CASES_32, lines), await kept("system_32.txt"));
  },
});
