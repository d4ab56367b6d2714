/** Exits of repeated INS and OUTS: KVM's emulator goes on within one as long as it needs no userspace. */
import { assertEquals } from "@std/assert";
import type { VmOptions } from "../../../../emulator/machine/vm_options.ts";
import { guest, traceOf } from "../guests.ts";

const PORT = 0x1000;

/** A device on PORT that notes the values written and reads 1, 2, 3 ... */
function run(source: string, handledIn: "kernel" | "userspace", options: Partial<VmOptions> = {}) {
  const vm = guest(source, options);
  const written: number[] = [];
  let next = 0;
  vm.devices.add({
    name: "d",
    handledIn,
    read: () => ++next & 0xff,
    write: (_offset, _size, value) => void written.push(Number(value)),
  }, { port: PORT });
  return { vm, written };
}

const program = (instruction: string, count: number, at: number) =>
  `mov edx, ${PORT}\n mov ecx, ${count}\n mov esi, ${at}\n mov edi, ${at}\n ${instruction}\n hlt`;

/** Instruction, count, address, who completes it; and accesses/returns of each exit. */
const CASES: readonly [string, number, number, "kernel" | "userspace", readonly string[]][] = [
  ["rep outsb", 64, 0x2000, "userspace", Array(64).fill("1/1")],
  ["rep insb", 64, 0x2000, "userspace", ["64/1"]],
  ["rep outsb", 64, 0x2000, "kernel", ["64/0"]],
  ["rep insb", 64, 0x2000, "kernel", ["64/0"]],
  // Read-ahead: 1,024 bytes, not across a page.
  ["rep insb", 3000, 0x2000, "userspace", ["1024/1", "1024/1", "952/1"]],
  ["rep insd", 300, 0x2000, "userspace", ["256/1", "44/1"]],
  ["rep insd", 5, 0x2ff4, "userspace", ["3/1", "2/1"]],
  ["rep insd", 3, 0x2ffe, "userspace", ["1/1", "2/1"]],
  // Out without userspace: until rCX is a multiple of 1,024.
  ["rep outsb", 2500, 0x2000, "kernel", ["452/0", "1024/0", "1024/0"]],
  ["rep outsw", 1, 0x2000, "kernel", ["1/0"]],
  ["std\n rep insb", 8, 0x2003, "userspace", ["3/1", "1/1", "4/1"]],
  ["outsb", 8, 0x2000, "kernel", ["1/0"]],
];

for (const [instruction, count, at, handledIn, expected] of CASES) {
  const name = instruction.replaceAll("\n", ";");
  Deno.test(`${name} of ${count} at 0x${at.toString(16)} in ${handledIn}: ${expected.length} exits`, async () => {
    for (const backend of ["vmx", "svm"]) {
      const { vm, written } = run(program(instruction, count, at), handledIn, { backend });
      assertEquals((await vm.run()).reason, "HLT");
      const rows = vm.exits.rows.filter((row) => row.reason === "IO");
      assertEquals(rows.map(({ accesses, returns }) => `${accesses}/${returns}`), [...expected]);
      const moved = instruction.includes("out") ? written.length : undefined;
      if (moved !== undefined) assertEquals(moved, instruction.startsWith("rep") ? count : 1);
    }
  });
}

Deno.test("what is batched is what would have been read one by one", async () => {
  const { vm } = run(program("rep insb", 200, 0x2f80), "userspace");
  await vm.run();
  assertEquals([...vm.memory.read(0x2f80, 200)], Array.from({ length: 200 }, (_, i) => i + 1 & 0xff));
});

Deno.test("an event that matches some of what goes out: userspace sees the rest, within the exit", async () => {
  const { vm, written } = run(program("rep outsb", 6, 0x2000), "userspace");
  vm.memory.write(0x2000, Uint8Array.of(1, 1, 2, 1, 1, 1));
  let signals = 0;
  vm.ioevents.add({ bus: "pio", address: PORT, length: 1, datamatch: 1, signal: () => void signals++ });
  await vm.run();
  assertEquals([signals, written], [5, [2]]);
  const rows = vm.exits.rows.filter((row) => row.reason === "IO");
  assertEquals(rows.map(({ accesses, returns }) => `${accesses}/${returns}`), ["3/1", "3/0"]);
});

Deno.test("batches are the same on every engine, in steps, and with devices that answer late", async () => {
  const source = `${program("rep insb", 40, 0x2000).replace("hlt", "")} mov ecx, 40\n rep outsb\n hlt`;
  const first = run(source, "kernel");
  const expected = traceOf(first.vm, await first.vm.run());
  const oracle = run(source, "kernel", { engine: "oracle" });
  assertEquals(traceOf(oracle.vm, await oracle.vm.run()), expected);
  const region = run(source, "kernel");
  region.vm.compileRegion(0x1000n, 40);
  assertEquals(traceOf(region.vm, await region.vm.run()), expected);
  const stepped = run(source, "kernel");
  let stop = await stepped.vm.run({ instructions: 7 });
  while (stop.reason === "BUDGET") stop = await stepped.vm.run({ instructions: 7 });
  assertEquals(traceOf(stepped.vm, stop), expected);
  const late = guest(source);
  let next = 0;
  late.devices.add({
    name: "d",
    handledIn: "kernel",
    read: () => Promise.resolve(++next),
    write: () => Promise.resolve(),
  }, { port: PORT });
  assertEquals(traceOf(late, await late.run()), expected);
});

Deno.test("a ledger that is reset in the middle of a batch, and a pc that is moved, begin a new exit", async () => {
  const { vm } = run(program("again: rep outsb", 20, 0x2000), "kernel");
  await vm.run({ instructions: 10 });
  vm.exits.reset();
  await vm.run({ instructions: 4 });
  assertEquals(vm.exits.rows.map(({ accesses }) => accesses), [4]);
  vm.vcpu.pc = vm.symbols.lookup("again")!;
  await vm.run();
  assertEquals(vm.exits.rows.filter((row) => row.reason === "IO").map(({ accesses }) => accesses), [4, 10]);
});
