/** Each program against variants of itself, in one run: an engine that is fast, not one that knows the benchmark. */
import type { IsaName } from "../guests/guest.ts";
import { Timed } from "../instructions.ts";
import { type EngineKind, type Machine, MACHINES, settle } from "../machines.ts";
import { pick } from "../only.ts";
import { alternate, ratioOf, type Sample, sampleOf } from "../statistics.ts";
import { DIALECTS, variantOf, VARIED } from "./variant.ts";

export interface VariantRow {
  readonly isa: IsaName;
  readonly workload: string;
  readonly engine: EngineKind;
  readonly seed: number;
  /** Instructions of a pass, and of the plain program's: jumps may have been added. */
  readonly instructions: number;
  readonly plainInstructions: number;
  /** Instructions a second against the plain program's, run by run. */
  readonly speed: Sample;
  /** Time of a pass against the plain program's. */
  readonly time: Sample;
}

/** Seeds of a run: as many variants of each program. */
const SEEDS = 3;

async function measureProgram(
  machine: Machine,
  engine: EngineKind,
  name: string,
  seeds: readonly number[],
  runs: number,
): Promise<VariantRow[]> {
  const workload = machine.workloads.find((one) => one.name === name)!;
  const plain = new Timed(machine, workload, engine);
  const variants = seeds.map((seed) => ({
    seed,
    timed: new Timed(machine, variantOf(machine.isa, name, seed), engine),
  }));
  await plain.warm();
  for (const { timed } of variants) await timed.warm();
  const candidates: Record<string, () => Promise<number>> = { plain: () => plain.run() };
  for (const { seed, timed } of variants) candidates[`seed ${seed}`] = () => timed.run();
  const samples = await alternate(candidates, runs);
  return variants.map(({ seed, timed }) => {
    const speed = ratioOf(samples[`seed ${seed}`], samples.plain);
    const longer = timed.instructions / plain.instructions;
    const values = speed.values.map((value) => longer / value);
    return {
      isa: machine.isa,
      workload: name,
      engine,
      seed,
      instructions: timed.instructions,
      plainInstructions: plain.instructions,
      speed,
      time: sampleOf(values),
    };
  });
}

export async function measureVariants(
  runs: number,
  { seed, only, progress }: { seed: number; only?: readonly string[]; progress(text: string): void },
): Promise<VariantRow[]> {
  const seeds = Array.from({ length: SEEDS }, (_, i) => seed + i);
  const rows: VariantRow[] = [];
  for (const machine of MACHINES.filter(({ isa }) => DIALECTS[isa])) {
    const names = pick(VARIED, only, (name) => [name, machine.isa]).filter((name) =>
      machine.workloads.some((workload) => workload.name === name)
    );
    if (names.length > 0) await settle(machine);
    for (const name of names) {
      progress(`variants of ${name}, ${machine.isa}`);
      for (const engine of ["interpreter", "region"] as const) {
        rows.push(...await measureProgram(machine, engine, name, seeds, runs));
      }
    }
  }
  return rows;
}
