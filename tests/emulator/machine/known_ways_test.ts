/**
 * Exits that compiled code counts by itself leave what they leave when each is looked at: the same programs and devices, with
 * regions from the first execution, interpreted, by the oracle, and with rows recorded, when nothing is counted elsewhere.
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { WAY, wayAt } from "../../../emulator/ir/way_layout.ts";
import type { AccessSize, BusValue } from "../../../emulator/machine/bus.ts";
import type { Device, DeviceContext } from "../../../emulator/machine/device.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { guest, PORT, WINDOW } from "./guests.ts";

interface Program {
  readonly options: Partial<VmOptions>;
  readonly source: string;
}

const X86 = `mov edx, ${PORT}\n mov ebx, ${WINDOW}\n mov ecx, 40\n`;
const END = `dec ecx\n jnz l\n hlt`;
const PPC = (bits: 32 | 64) =>
  `lis r4, ${WINDOW >>> 16}\n ${bits === 64 ? "clrldi r4, r4, 32\n" : ""} li r5, 40\n mtctr r5\n`;
const PROGRAMS: Readonly<Record<string, Program>> = {
  out: { options: { mode: 32 }, source: `${X86}l: out dx, eax\n add eax, 3\n ${END}` },
  in: { options: { mode: 32 }, source: `${X86}l: in al, dx\n add esi, eax\n ${END}` },
  store: { options: { mode: 64 }, source: `${X86}l: mov [rbx+4], ecx\n ${END}` },
  load: { options: { mode: 32 }, source: `${X86}l: movzx eax, word [ebx+2]\n add esi, eax\n ${END}` },
  vmcall: { options: { mode: 32 }, source: `mov ecx, 40\nl: mov eax, 5\n vmcall\n add esi, eax\n ${END}` },
  // The same instruction at two ports, and a device's register that is read and written by one instruction.
  mixed: {
    options: { mode: 32 },
    source:
      `${X86}l: out dx, al\n xor edx, 4\n in eax, dx\n mov [ebx], ax\n add dword [ebx+4], 1\n push dword [ebx]\n pop eax\n ${END}`,
  },
  series: {
    options: { mode: 32 },
    source:
      `${X86}l: out dx, al\n mov edi, 0x3000\n push ecx\n mov ecx, 3\n rep insb\n in al, dx\n pop ecx\n ${END}`,
  },
  "ppc32": {
    options: { arch: "ppc", mode: 32 },
    source: `${
      PPC(32)
    }l: lwz r6, 0(r4)\n add r7, r7, r6\n sth r7, 4(r4)\n lbz r8, 1(r4)\n stw r8, 0(r4)\n bdnz l\n twi 31, r0, 0`,
  },
  "ppc64le": {
    options: { arch: "ppc", mode: 64, order: "le" },
    source: `${
      PPC(64)
    }l: lwz r6, 0(r4)\n add r7, r7, r6\n sth r7, 4(r4)\n std r7, 0(r4)\n bdnz l\n twi 31, r0, 0`,
  },
};

/** What a device does in one of its exits. */
type Change = (
  at: { vm: Vm; device: { handledIn?: "kernel" }; context: DeviceContext | undefined },
) => unknown;

const CHANGES: Readonly<Record<string, Change>> = {
  nothing: () => {},
  "is completed in the kernel from now on": ({ device }) => void (device.handledIn = "kernel"),
  "goes away": ({ vm }) => void vm.devices.remove("d"),
  "charges cycles": ({ context }) => context?.charge(1_000),
  "answers later": () => Promise.resolve(),
  fails: () => {
    throw new Error("once");
  },
  "ends the run": ({ vm, context }) =>
    context ? context.stop(7) : vm.acting.requestStop({ reason: "SYSTEM_EVENT", code: 7, message: "" }),
  "resets the ledger": ({ vm }) => vm.exits.reset(),
  "has exits matched": ({ vm }) => {
    vm.ioevents.add({ bus: "mmio", address: WINDOW, length: 0, signal: () => {} });
    if (vm.arch === "x86") vm.ioevents.add({ bus: "pio", address: PORT, length: 0, signal: () => {} });
  },
  "sets a catchpoint": ({ vm }) => void vm.catchpoints.add(),
  "sets a watchpoint": ({ vm }) =>
    void vm.watchpoints.add({ address: BigInt(WINDOW), length: 8, kind: "access" }),
  "asks for an interrupt": ({ vm, context }) => vm.inside.options.interrupts && context?.irq(4, true),
  "brings memory": ({ vm }) => vm.memory.addSlot({ name: "late", gpa: 0x10_0000, size: 0x1000 }),
  "is listened to": ({ vm }) => void vm.exits.onExit(() => {}),
};

interface How {
  readonly options: Partial<VmOptions>;
  readonly slice?: number;
}
const HOW: Readonly<Record<string, How>> = {
  regions: { options: { regions: "first", recordRows: false } },
  interpreter: { options: { regions: "off", recordRows: false } },
  oracle: { options: { engine: "oracle", recordRows: false } },
  "with rows": { options: { regions: "first" } },
  "in steps": { options: { regions: "first", recordRows: false }, slice: 7 },
};

/** All that a run leaves, and what its device saw. `known`: whether any exit was counted by compiled code. */
async function outcome(
  { options, source }: Program,
  change: Change,
  how: How,
): Promise<{ left: unknown; known: boolean }> {
  const vm = guest(source, { ...options, ...how.options });
  const seen: string[] = [];
  const exit = (what: string, context: DeviceContext | undefined): unknown => {
    // Time, the instruction at hand and the registers are what they are in any other exit.
    const { acting: { index, registers, instructions, cycles }, exits } = vm;
    const flags = vm.arch === "x86" ? registers.get("eflags") : 0n;
    seen.push(`${index} ${what} ${instructions} ${cycles} ${flags} ${exits.count} ${exits.cycles}`);
    if (seen.length % 16 === 0) context?.charge(seen.length);
    return seen.length === 21 ? change({ vm, device, context }) : undefined;
  };
  const device: Device & { handledIn?: "kernel" } = {
    name: "d",
    size: 16,
    read(offset, size, context) {
      const answer: BusValue = size === 8 ? 3n : seen.length * 0x01_01_01_01 % 2 ** (8 * size);
      const later = exit(`read ${offset} ${size}`, context);
      return later instanceof Promise ? later.then(() => answer) : answer;
    },
    write: (offset: number, size: AccessSize, value: BusValue, context) =>
      exit(`write ${offset} ${size} ${value}`, context) as void | Promise<void>,
  };
  vm.devices.add(device, { gpa: WINDOW, ...vm.arch === "x86" && { port: PORT } });
  vm.hypercalls.register(5, {
    name: "five",
    call: ({ registers }) => {
      registers.set("eax", BigInt(seen.length));
      return exit("call", undefined) as void | Promise<void>;
    },
  });
  for (const vcpu of vm.vcpus.slice(1)) vcpu.start(vm.vcpu.pc);
  const stops: string[] = [];
  let known = false;
  for (let rest = 600; rest > 0;) {
    const executed = () => vm.vcpus.reduce((sum, { instructions }) => sum + instructions, 0),
      before = executed();
    const stop = await vm.run({ instructions: Math.min(how.slice ?? rest, rest) });
    rest -= Math.max(1, executed() - before);
    const { state } = vm.inside.vcpus[0];
    for (let i = 1; i < WAY.entries; i++) known ||= state.get32(wayAt(i) + WAY.tag) !== 0;
    if (stop.reason === "BUDGET") continue;
    stops.push(`${stop.reason} ${stop.pc} ${vm.vcpu.instructions}`);
    if (stops.length === 3 || ["HLT", "SHUTDOWN", "INTERNAL_ERROR"].includes(stop.reason)) break;
  }
  const left = {
    ...{ stops, seen },
    vcpus: vm.vcpus.map(({ registers, instructions, cycles }) => ({
      registers: registers.list().map(({ name, value }) => `${name}=${value.toString(16)}`),
      ...{ instructions, cycles },
    })),
    aggregates: vm.exits.aggregates(),
    totals: vm.exits.totals(),
  };
  return { left, known };
}

/** Whether every way of running leaves the same, and exits were counted elsewhere in some. */
async function compare(program: Program, changes: readonly string[]): Promise<void> {
  for (const what of changes) {
    const found = await outcome(program, CHANGES[what], HOW.regions);
    for (const [how, other] of Object.entries(HOW)) {
      const { left } = await outcome(program, CHANGES[what], other);
      assertEquals({ what, how, left }, { what, how, left: found.left });
    }
    if (what === "nothing") assert(found.known);
  }
}

for (const [name, program] of Object.entries(PROGRAMS)) {
  Deno.test(`exits that are counted elsewhere: ${name}`, () => compare(program, Object.keys(CHANGES)));

  Deno.test(`the same where interrupts may come: ${name}`, async () => {
    const interrupted = { ...program, options: { ...program.options, interrupts: true } };
    await compare(interrupted, [
      "nothing",
      "charges cycles",
      "asks for an interrupt",
      "answers later",
      "ends the run",
    ]);
  });

  Deno.test(`the same where another vCPU does the same: ${name}`, async () => {
    const shared = { ...program, options: { ...program.options, vcpus: 2 } };
    await compare(shared, [
      "nothing",
      "charges cycles",
      "answers later",
      "goes away",
      "ends the run",
      "resets the ledger",
    ]);
  });
}

Deno.test("what compiled code counted is forgotten with what it depends on", async () => {
  const { source, options } = PROGRAMS.out;
  const vm = guest(source, { ...options, regions: "first", recordRows: false });
  vm.devices.add({ name: "d", write() {} }, { port: PORT, gpa: WINDOW });
  await vm.run({ instructions: 60 });
  const { state } = vm.inside.vcpus[0];
  const tags = () =>
    Array.from({ length: WAY.entries }, (_, i) => state.get32(wayAt(i) + WAY.tag)).filter((tag) => tag > 0);
  assertNotEquals(tags(), []);
  vm.exits.record(true);
  assertEquals(tags(), []);
  vm.exits.record(false);
  await vm.run({ instructions: 20 });
  assertNotEquals(tags(), []);
  vm.devices.remove("d");
  assertEquals(tags(), []);
});
