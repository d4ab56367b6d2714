/** Each axis at all its sizes, the sizes in turn. */
import { pick } from "../only.ts";
import { type Sample, sampleOf } from "../statistics.ts";
import type { Axis, Measured, Timing } from "./axis.ts";
import { CODE } from "./code.ts";
import { EXITS, INSTRUCTIONS } from "./endless.ts";
import { RAM, TOUCHED_RAM, VCPUS } from "./sizes.ts";

export interface GrowthRow {
  readonly axis: Axis["name"];
  readonly per: Axis["per"];
  readonly unit: Axis["unit"];
  readonly size: number;
  /** Of one instruction or exit. */
  readonly nanoseconds: Sample;
  /** Bytes of a process that does nothing else. */
  readonly resident?: Sample;
}

export const AXES: readonly Axis[] = [INSTRUCTIONS, EXITS, RAM, TOUCHED_RAM, CODE, VCPUS];

async function measureAxis(axis: Axis, sizes: readonly number[], runs: number): Promise<GrowthRow[]> {
  const timings: { size: number; timing: Timing; measured: Measured[] }[] = [];
  for (const size of sizes) timings.push({ size, timing: await axis.prepare(size), measured: [] });
  for (let run = 0; run < runs; run++) {
    for (const { timing, measured } of timings) measured.push(await timing.time());
  }
  return timings.map(({ size, measured }) => {
    const resident = measured.flatMap((one) => one.resident ?? []);
    const { name, per, unit } = axis;
    return {
      axis: name,
      per,
      unit,
      size,
      nanoseconds: sampleOf(measured.map(({ nanoseconds }) => nanoseconds)),
      ...resident.length > 0 ? { resident: sampleOf(resident) } : {},
    };
  });
}

export async function measureGrowth(
  runs: number,
  { long, only, progress }: { long: boolean; only?: readonly string[]; progress(text: string): void },
): Promise<GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const axis of pick(AXES, only, ({ name }) => [name])) {
    progress(`growth with ${axis.name}`);
    const sizes = [...axis.sizes, ...long ? axis.long ?? [] : []];
    rows.push(...await measureAxis(axis, sizes, runs));
  }
  return rows;
}
