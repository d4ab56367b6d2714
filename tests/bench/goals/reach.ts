/** How far a run of the peers comes towards the goals. */
import type { PeerRow } from "../peers/measure.ts";
import { type Sample, sampleOf } from "../statistics.ts";
import { type Goal, GOALS } from "./goals.ts";

/** One guest's part in a goal. */
export interface Part {
  readonly guest: string;
  readonly system: PeerRow["system"];
  /** Ratio of the medians, or millions a second. */
  readonly value: number;
}

export type Reached =
  /** A row is missing that it is made of, e.g. as the peer is not installed. */
  | { readonly goal: Goal; readonly met: "not measured" }
  | {
    readonly goal: Goal;
    readonly met: "yes" | "no";
    readonly value: number;
    /** The same of each run by itself: its noise. */
    readonly min: number;
    readonly max: number;
    /** The least of what it is made of. */
    readonly worst: Part;
  };

interface Pair {
  readonly ours: PeerRow;
  readonly other?: PeerRow;
}

/** Throws `RangeError` if there are none. */
export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("no values to take the mean of");
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The row of ours that a goal asks for on a guest, and that which it is set against. */
function pairOf(rows: readonly PeerRow[], goal: Goal, ours: PeerRow): Pair | undefined {
  const { against } = goal;
  if (against === undefined) return { ours };
  const place = "sister" in against
    ? { guest: ours.guest, system: against.sister[ours.system], engine: goal.ours }
    : { guest: ours.guest, system: ours.system, ...against.on, engine: against.peer };
  const other = rows.find(({ guest, system, engine }) =>
    guest === place.guest && system === place.system && engine === place.engine
  );
  return other && { ours, other };
}

/**
 * The pairs of a goal; nothing if one of ours is missing. A peer need not have every system (v86 has no long mode): what
 * it ran counts, but each guest has to be among it.
 */
function pairsOf(rows: readonly PeerRow[], goal: Goal): readonly Pair[] | undefined {
  const pairs: Pair[] = [];
  for (const guest of goal.guests) {
    const own = rows.filter((row) =>
      row.engine === goal.ours && row.guest === guest && goal.systems.includes(row.system)
    );
    const found = own.map((row) => pairOf(rows, goal, row)).filter((pair) => pair !== undefined);
    if (found.length === 0) return undefined;
    pairs.push(...found);
  }
  return pairs;
}

const ratio = ({ ours, other }: Pair, of: (sample: Sample) => number) =>
  of(ours.rate) / (other ? of(other.rate) : 1);

export function reach(rows: readonly PeerRow[], goal: Goal): Reached {
  const pairs = pairsOf(rows, goal);
  if (pairs === undefined) return { goal, met: "not measured" };
  const take = (values: readonly number[]) =>
    goal.take === "mean" ? geometricMean(values) : Math.min(...values);
  const parts = pairs.map((pair): Part => ({
    guest: pair.ours.guest,
    system: pair.ours.system,
    value: ratio(pair, ({ median }) => median),
  }));
  const value = take(parts.map((part) => part.value));
  const runs = Math.min(...pairs.map(({ ours }) => ours.rate.runs));
  const { min, max } = sampleOf(
    Array.from(
      { length: runs },
      (_, run) => take(pairs.map((pair) => ratio(pair, ({ values }) => values[run]))),
    ),
  );
  const worst = parts.reduce((least, part) => part.value < least.value ? part : least);
  return { goal, met: value >= goal.atLeast ? "yes" : "no", value, min, max, worst };
}

/** Every goal, in the order of their table. */
export function reachAll(rows: readonly PeerRow[]): Reached[] {
  return GOALS.map((goal) => reach(rows, goal));
}
