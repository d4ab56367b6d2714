/** Medians and the noise around them. */

export interface Sample {
  /** The median of the runs, and their least and greatest. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  /** In the order of the runs. */
  readonly values: readonly number[];
}

/** Throws `RangeError` if there are no values. */
export function sampleOf(values: readonly number[]): Sample {
  if (values.length === 0) throw new RangeError("no runs to take the median of");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1], runs: sorted.length, values };
}

/** (max - min) / median, in percent. */
export function noise({ median, min, max }: Sample): number {
  return 100 * (max - min) / median;
}

/** How many times `b` `a` is, run by run: what slowed a whole turn of the candidates down does not show. */
export function ratioOf(a: Sample, b: Sample): Sample {
  return sampleOf(a.values.map((value, run) => value / b.values[run]));
}

/** Runs the candidates in turn, `runs` times each, so that a slow moment of the machine hits all of them. */
export async function alternate<K extends string>(
  candidates: Readonly<Record<K, () => Promise<number>>>,
  runs: number,
): Promise<Record<K, Sample>> {
  const names = Object.keys(candidates) as K[];
  const values = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const name of names) values.get(name)!.push(await candidates[name]());
  }
  return Object.fromEntries(names.map((name) => [name, sampleOf(values.get(name)!)])) as Record<K, Sample>;
}
