/** Sums over aggregates: of all exits, or of groups of them. */
import type { Aggregate, SizeCounts } from "./aggregate.ts";
import type { StageCycles } from "./stages.ts";

/** Sums over exits. `min` and `max` are undefined if there was none, or where an aggregate has none. */
export interface Totals {
  /** Exits. */
  readonly count: number;
  /** Accesses: one instruction's exit may make several. */
  readonly accesses: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
  /** Accesses by size. */
  readonly sizes: SizeCounts;
  /** Charged cycles by stage. */
  readonly cycles: StageCycles;
  /** The cheapest exit in cycles. */
  readonly min: number | undefined;
  /** The dearest exit in cycles. */
  readonly max: number | undefined;
}

/** A group of aggregates with its name and sums. */
export interface Group extends Totals {
  readonly name: string;
  readonly members: readonly Aggregate[];
}

/** The sum of aggregates. */
export function sumAggregates(aggregates: readonly Aggregate[]): Totals {
  const sizes = { 1: 0, 2: 0, 4: 0, 8: 0, other: 0 };
  const cycles = { worldSwitch: 0, dispatch: 0, decode: 0, userspace: 0, device: 0, total: 0 };
  let count = 0,
    accesses = 0,
    returns = 0,
    min: number | undefined = Infinity,
    max: number | undefined = -Infinity;
  for (const one of aggregates) {
    count += one.count;
    accesses += one.accesses;
    returns += one.returns;
    for (const size of [1, 2, 4, 8, "other"] as const) sizes[size] += one.sizes[size];
    cycles.worldSwitch += one.cycles.worldSwitch;
    cycles.dispatch += one.cycles.dispatch;
    cycles.decode += one.cycles.decode;
    cycles.userspace += one.cycles.userspace;
    cycles.device += one.cycles.device;
    cycles.total += one.cycles.total;
    min = min === undefined || one.min === undefined ? undefined : Math.min(min, one.min);
    max = max === undefined || one.max === undefined ? undefined : Math.max(max, one.max);
  }
  if (count === 0) min = max = undefined;
  return { count, accesses, returns, sizes, cycles, min, max };
}

/** Groups by name, dearest group first, equal ones by name. */
export function groupAggregates(
  aggregates: readonly Aggregate[],
  nameOf: (aggregate: Aggregate) => string,
): Group[] {
  const members = new Map<string, Aggregate[]>();
  for (const one of aggregates) {
    const name = nameOf(one);
    const group = members.get(name);
    if (group === undefined) members.set(name, [one]);
    else group.push(one);
  }
  return [...members]
    .map(([name, list]) => ({ name, members: list, ...sumAggregates(list) }))
    .sort((a, b) => b.cycles.total - a.cycles.total || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
