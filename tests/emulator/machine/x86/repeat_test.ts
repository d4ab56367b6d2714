/** String instructions that are repeated many times at once end as they do one by one. */
import { assertEquals } from "@std/assert";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { Random } from "../../../support/random.ts";

const RAM = 0x8000, DATA = 0x2000;
const OPERATIONS = [
  ...["rep movsb", "rep movsw", "rep movsd", "rep stosb", "rep stosw", "rep stosd", "rep lodsb", "rep lodsd"],
  ...["repe cmpsb", "repne cmpsb", "repe cmpsd", "repne cmpsw", "repe scasb", "repne scasb", "repne scasd"],
];

interface Case {
  readonly mode: 16 | 32 | 64;
  readonly text: string;
  readonly registers: Readonly<Record<string, number>>;
  readonly pieces: number;
}

function randomCase(random: Random): Case {
  const mode = ([16, 32, 64] as const)[random.below(3)];
  const operation = OPERATIONS[random.below(OPERATIONS.length)];
  const near = random.below(2) === 0;
  const edi = DATA + random.below(RAM - DATA),
    at = random.below(4) === 0 ? edi : near ? edi - 40 + random.below(80) : random.below(RAM);
  return {
    mode,
    text: `${random.below(6) === 0 ? "std" : "cld"}\n${operation}\nhlt`,
    registers: { ecx: random.below(1500), edi, esi: at, eax: random.below(2) === 0 ? random.u32() : 0 },
    pieces: 1 + random.below(700),
  };
}

async function run(
  one: Case,
  engine: "oracle" | "interpreter",
  pieces: number,
  region: boolean,
): Promise<unknown> {
  const vm = createVm({ arch: "x86", mode: one.mode, engine, memory: 0x1_0000 });
  vm.memory.write(
    DATA,
    Uint8Array.from({ length: RAM }, (_, i) => i < 0x3000 ? i * 7 + (i >> 8) : i % 1000 === 0 ? 1 : 0),
  );
  const program = vm.assemble(one.text, 0x1000n);
  vm.load(program);
  for (const [name, value] of Object.entries(one.registers)) vm.vcpu.registers.set(name, BigInt(value));
  if (region) vm.compileRegion(0x1000n, program.bytes.length);
  let stop = await vm.run({ instructions: pieces });
  for (let i = 0; stop.reason === "BUDGET" && i < 5000; i++) stop = await vm.run({ instructions: pieces });
  const { registers, instructions, cycles } = vm.vcpu;
  return {
    stop: [stop.reason, stop.pc],
    registers: registers.list().map(({ name, value }) => `${name}=${value.toString(16)}`).join(" "),
    counts: [instructions, cycles],
    memory: vm.memory.read(0, 0x1_0000).toHex(),
    exits: snapshot(vm.exits),
  };
}

Deno.test("many iterations at once are as many one by one: places, pieces, engines", async () => {
  const random = new Random(1972);
  for (let i = 0; i < 30; i++) {
    const one = randomCase(random), what = JSON.stringify(one);
    const expected = await run(one, "oracle", 100_000, false);
    assertEquals(await run(one, "interpreter", 100_000, false), expected, what);
    assertEquals(await run(one, "interpreter", one.pieces, false), expected, `in pieces: ${what}`);
    assertEquals(await run(one, "interpreter", 100_000, true), expected, `in a region: ${what}`);
  }
});

Deno.test("a breakpoint at REP stops before each iteration", async () => {
  const vm = createVm({ arch: "x86", mode: 32 });
  vm.load(vm.assemble("mov ecx, 100\nmov edi, 0x3000\nagain: rep stosb\nhlt"));
  vm.breakpoints.add(vm.symbols.lookup("again")!);
  for (let left = 100; left > 90; left--) {
    assertEquals((await vm.run({ instructions: 1000 })).reason, "DEBUG");
    assertEquals(vm.vcpu.registers.get("ecx"), BigInt(left));
  }
});

Deno.test("REP MOVS over its own code, and into a device's window, is noticed", async () => {
  const vm = createVm({ arch: "x86", mode: 32 });
  const seen: number[] = [];
  const { window } = vm.devices.add({
    name: "sink",
    size: 0x1000,
    write: (offset) => void seen.push(offset),
  });
  vm.load(vm.assemble(
    `mov ecx, 0x1040\nmov edi, ${
      window.gpa - 0x40
    }\nmov esi, 0x4000\nrep movsb\nmov ecx, 32\nmov edi, next\nmov al, 0x90\nrep stosb\nnext: hlt\n.fill 31, 1, 0xf4\nhlt`,
  ));
  const stop = await vm.run({ instructions: 20_000 });
  assertEquals([stop.reason, seen.length, seen[0], seen.at(-1)], ["HLT", 0x1000, 0, 0xfff]);
  assertEquals(stop.pc, vm.symbols.lookup("next")! + 33n);
});
