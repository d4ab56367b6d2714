/** Blocks, segments, pages and MSR at random: the host never fails, and two engines never differ. */
import { assert, assertEquals } from "@std/assert";
import { createVm, type Vm } from "../../../../emulator/machine/vm.ts";
import { DEFINITIONS } from "../../../../emulator/ppc/table.ts";
import { randomNumbers, randomWord } from "../../ppc/random_words.ts";
import { traceOf } from "../guests.ts";

type Next = () => number;

const MEMORY = 0x4_0000;
/** `TRAPSH_CASES` makes a longer run. */
const TRIALS = Math.max(60, Number(Deno.env.get("TRAPSH_CASES") ?? 0)), INSTRUCTIONS = 400;
/** MSR: everything that a 750 has, but for POW. */
const MSR_BITS = 0x1_ff73;

/** Numbers that lead somewhere more often than not: small, aligned, or near a block's edge. */
function address(next: Next): number {
  const kind = next() % 4;
  if (kind === 0) return next() % MEMORY;
  if (kind === 1) return (next() % 16 << 28 | next() % MEMORY) >>> 0;
  if (kind === 2) return (next() % 16 << 28 | 0x1_fff8 + next() % 16) >>> 0;
  return next();
}

function bat(next: Next, upper: boolean): number {
  const sizes = [0, 0, 1, 3, 0x7ff, next() & 0x7ff];
  const number = address(next) & 0xfffe_0000;
  return (upper ? number | sizes[next() % sizes.length] << 2 | next() & 3 : number | next() & 0x7b) >>> 0;
}

/** Goes on after the instruction that interrupted. */
const HANDLER = "mtsprg0 r3\nmfsrr0 r3\naddi r3, r3, 4\nmtsrr0 r3\nmfsprg0 r3\nrfi";

function prepare(vm: Vm, next: Next): void {
  const { registers } = vm.vcpu;
  const words = Array.from({ length: 2048 }, () => {
    const definition = DEFINITIONS[next() % DEFINITIONS.length];
    return next() % 3 ? randomWord(definition, next) : next() % 2 ? address(next) : 0x6000_0000;
  });
  const view = new DataView(new ArrayBuffer(MEMORY));
  for (let at = 0; at < MEMORY; at += 4) view.setUint32(at, words[(at >> 2) * 7 % words.length]);
  vm.memory.write(0, new Uint8Array(view.buffer));
  for (let vector = 0x300; vector < 0xe00; vector += 0x100) {
    vm.memory.write(vector, vm.assemble(HANDLER, BigInt(vector)).bytes);
  }
  for (const { name } of registers.list()) {
    if (/^r\d/.test(name)) registers.set(name, address(next));
    else if (/^[id]bat/.test(name)) registers.set(name, bat(next, name.endsWith("u")));
    else if (/^sr\d/.test(name)) registers.set(name, (next() % 8 ? next() & 0x7fff_ffff : next()) >>> 0);
  }
  registers.set("sdr1", (next() % MEMORY & 0xffff_0000 | next() % 4) >>> 0);
  registers.set("ibat0u", 0x1fff);
  registers.set("ibat0l", 2);
  registers.set("srr0", next() % MEMORY);
  registers.set("srr1", next() & MSR_BITS);
  registers.set("msr", next() & MSR_BITS & ~1);
  vm.vcpu.pc = BigInt(next() % MEMORY & ~3);
}

Deno.test("random blocks, segments, pages and code: engines agree, and nothing reaches the host", async () => {
  const seeds = randomNumbers(0x0eab_a750), reasons = new Map<string, number>();
  let executed = 0, interrupts = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const seed = seeds();
    const traces = [];
    for (const engine of ["interpreter", "oracle"] as const) {
      const vm = createVm({ arch: "ppc", mode: 32, memory: MEMORY, engine, recordRows: true });
      prepare(vm, randomNumbers(seed));
      const stop = await vm.run({ instructions: INSTRUCTIONS });
      assert(stop.reason !== "DEVICE_ERROR", stop.message);
      traces.push({ trace: traceOf(vm, stop), memory: vm.memory.read(0, MEMORY) });
      if (engine === "oracle") continue;
      executed += vm.vcpu.instructions;
      interrupts += vm.exits.rows.filter(({ reason }) => reason === "EXCEPTION").length;
      reasons.set(stop.reason, (reasons.get(stop.reason) ?? 0) + 1);
    }
    assertEquals(traces[0], traces[1], `seed 0x${seed.toString(16)}`);
  }
  const summary = `${executed} instructions, ${interrupts} interrupts, ${JSON.stringify([...reasons])}`;
  assert(executed > 50 * TRIALS && interrupts > 10 * TRIALS, summary);
});
