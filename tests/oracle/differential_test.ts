/**
 * Oracle, interpreter and regions on random programs: the same stop, registers, memory, exits, instructions
 * and cycles. Seeded; `TRAPSH_CASES` (instructions executed a mode) makes a longer, nightly run.
 */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../support/random.ts";
import { ppcPool, type SamplePool, x86Pool } from "./samples.ts";
import {
  difference,
  EXECUTORS,
  PROGRAM_AT,
  RAM,
  randomState,
  type TrialEnd,
  TrialMachine,
  type TrialMode,
  type TrialStart,
} from "./trial.ts";

/** Instructions executed in each mode: 102,000 for x86, 100,000 for PowerPC. */
const CI_CASES = { x86: 34_000, ppc: 50_000 };
const PROGRAM_LENGTH = 10;
const SEED = 20090507;

const MODES: readonly TrialMode[] = [
  { arch: "x86", mode: 16, backend: "vmx" },
  { arch: "x86", mode: 32, backend: "svm" },
  { arch: "x86", mode: 64, backend: "vmx" },
  { arch: "ppc", mode: 32, backend: "kvm-pr" },
  { arch: "ppc", mode: 64, backend: "kvm-hv" },
];

function wanted(arch: "x86" | "ppc"): number {
  const given = Number(Deno.env.get("TRAPSH_CASES") ?? 0);
  return given > 0 ? given : CI_CASES[arch];
}

async function poolOf({ arch, mode }: TrialMode, random: Random): Promise<SamplePool> {
  return arch === "x86" ? x86Pool(mode, random, 60_000) : await ppcPool(mode as 32 | 64, random, 40_000);
}

function programOf(pool: SamplePool, names: readonly string[], random: Random): Uint8Array {
  const parts = Array.from(
    { length: PROGRAM_LENGTH },
    () => random.pick(pool.accepted.get(random.pick(names))!),
  );
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

for (const where of MODES) {
  Deno.test(`oracle, interpreter and regions agree on random ${where.arch} ${where.mode}-bit programs`, async () => {
    const random = new Random(SEED + where.mode);
    const pool = await poolOf(where, random);
    const names = [...pool.accepted.keys()].sort();
    const machines = EXECUTORS.map((executor) => new TrialMachine(where, executor));
    const used = new Map<string, number>();
    let executed = 0, programs = 0;
    for (const target = wanted(where.arch); executed < target; programs++) {
      const memory = new Uint8Array(RAM);
      for (let i = 0; i < RAM; i += 3) memory[i] = random.u32();
      const state = randomState(machines[0].vm, random);
      const program = programOf(pool, names, random);
      const start = { program, state, memory };
      // Some more than once: what comes again gets handlers of its own.
      for (let more = programs % 8 === 0 ? 2 : 0; more > 0; more--) sameOf(machines, start, programs);
      const first = sameOf(machines, start, programs);
      used.set(first.stop.split(" ")[0], (used.get(first.stop.split(" ")[0]) ?? 0) + 1);
      executed += first.instructions;
    }
    const total = [...pool.excluded.values()].reduce((sum, n) => sum + n, 0);
    console.log(
      `${where.arch}-${where.mode}: ${executed} instructions in ${programs} programs; ${names.length} forms by the other decoder's names, ` +
        `${pool.excluded.size} forms (${total} samples) not implemented; stops: ${
          [...used].map(([k, n]) => `${k} ${n}`).join(", ")
        }`,
    );
    assert(names.length > 40);
    assertEquals(executed >= wanted(where.arch), true);
  });
}

/** What all machines leave of a program. */
function sameOf(machines: readonly TrialMachine[], start: TrialStart, number: number): TrialEnd {
  const [first, ...others] = machines.map((machine) => machine.run(start));
  for (const [i, other] of others.entries()) {
    const found = difference(first, other);
    if (found) {
      throw new Error(
        `program ${number}: oracle and ${EXECUTORS[i + 1]} differ in ${found}\n${
          listing(machines[0], start.program)
        }`,
      );
    }
  }
  return first;
}

function listing({ vm }: TrialMachine, program: Uint8Array): string {
  vm.memory.write(PROGRAM_AT, program);
  return vm.disassemble(BigInt(PROGRAM_AT), PROGRAM_LENGTH).map(({ address, bytes, text }) =>
    `${address.toString(16)} ${
      [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(30)
    } ${text}`
  ).join("\n");
}
