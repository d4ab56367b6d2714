/** Exits over virtual time: how many began, and how much of the time they took, by bucket and by kind. */
import type { LedgerView } from "./ledger_view.ts";
import type { Frequency } from "./profile.ts";
import { type StageProvenance, stageProvenance } from "./provenance.ts";
import type { ExitRow } from "./row.ts";
import { type ExitTableBy, type ExitTableOptions, keyName } from "./tabulate.ts";

/** What a timeline shows. */
export interface TimelineOptions {
  /** What is told apart: `exit` (the backend's own reasons) if not given. */
  readonly by?: ExitTableBy;
  /** Buckets at most, 1 to 10,000; 24 if not given. Their width is a whole number of cycles. */
  readonly buckets?: number;
  /** Virtual time in cycles to begin at; the first recorded exit if not given. */
  readonly from?: number;
  /** Virtual time in cycles to end at; the end of the last recorded exit if not given. */
  readonly to?: number;
  /** Kinds to tell apart, the dearest; what is left is one more, `others`. 1 to 100, 7 if not given. */
  readonly series?: number;
  /** A name for a key, as in `ExitTableOptions`. */
  readonly nameOf?: ExitTableOptions["nameOf"];
}

/** A number of exits and what they cost. */
export interface TimelineSum {
  /** Exits that began. */
  readonly samples: number;
  /** Cycles spent in exits. */
  readonly cycles: number;
}

/** A kind of exit over the whole range. */
export interface TimelineSeries extends TimelineSum {
  /** As the table's line is called; `others` for what is not told apart. */
  readonly name: string;
}

/** A piece of virtual time. An exit counts where it began; its cycles fall where they were spent. */
export interface TimelineBucket extends TimelineSum {
  /** First cycle. */
  readonly from: number;
  /** First cycle after it. */
  readonly to: number;
  /** By kind, in the order of `Timeline.series`. */
  readonly series: readonly TimelineSum[];
}

/** Exits over virtual time as plain data, fit for `JSON.stringify`. */
export interface Timeline {
  /** What is told apart. */
  readonly by: ExitTableBy;
  /** First cycle. */
  readonly from: number;
  /** First cycle after it. */
  readonly to: number;
  /** Cycles of a bucket; the last one may be cut short by `to`. */
  readonly bucketCycles: number;
  /** Kinds of exits, dearest first, `others` last. */
  readonly series: readonly TimelineSeries[];
  /** Without gaps, in order of time. Empty if nothing was recorded. */
  readonly buckets: readonly TimelineBucket[];
  /** vCPUs that exits are from: their clocks run side by side, so a bucket has room for so many times its cycles. */
  readonly vcpus: number;
  /** Exits of the whole ledger. */
  readonly exits: number;
  /** How many of them began outside of the range, are of another key space, or have no row. */
  readonly notShown: number;
  /** The profile that the cycles are of. */
  readonly profile: { readonly name: string; readonly title: string; readonly source: string };
  /** Cycles a second, which is often assumed. */
  readonly clock: Frequency;
  /** Where the figures behind the cycles are from. */
  readonly provenance: StageProvenance;
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[];
}

/** More could not be looked at, and would only take memory. */
const MOST_BUCKETS = 10_000, MOST_SERIES = 100;
const SERIES = 7;

/** What a row is counted as; undefined if it is of another key space. */
function seriesOf(row: ExitRow, by: ExitTableBy, options: TimelineOptions): string | undefined {
  if (by === "exit") return row.native.name;
  if (by === "reason") return row.reason;
  if (by === "pc") return `0x${row.pc.toString(16)}${row.symbol === undefined ? "" : ` ${row.symbol}`}`;
  return row.keySpace === by ? keyName(row, options) : undefined;
}

class Sum implements TimelineSum {
  samples = 0;
  cycles = 0;
}

function wholeNumber(value: number, what: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${what} of a timeline is ${value}: give a whole number from ${least} to ${most}`);
}

/** The dearest kinds, then `others` for what is left: names in order, and the place of each kind among them. */
function chooseSeries(named: readonly (readonly [ExitRow, string])[], most: number) {
  const sums = new Map<string, Sum>();
  for (const [row, name] of named) {
    let sum = sums.get(name);
    if (sum === undefined) sums.set(name, sum = new Sum());
    sum.samples++;
    sum.cycles += row.cycles.total;
  }
  const order = [...sums].sort(([a, x], [b, y]) => y.cycles - x.cycles || (a < b ? -1 : a > b ? 1 : 0));
  const names = order.slice(0, most).map(([name]) => name);
  if (order.length > most) names.push("others");
  const places = new Map(order.map(([name], i) => [name, Math.min(i, most)]));
  return { names, places };
}

/**
 * The recorded rows of a ledger, or of one priced again, over virtual time. Throws `RangeError` for a number of buckets
 * that is none, or a range that ends before it begins.
 */
export function tabulateTimeline(ledger: LedgerView, options: TimelineOptions = {}): Timeline {
  const { by = "exit" } = options;
  const wanted = wholeNumber(options.buckets ?? 24, "the number of buckets", 1, MOST_BUCKETS);
  const most = wholeNumber(options.series ?? SERIES, "the number of kinds", 1, MOST_SERIES);
  const { rows, profile } = ledger;
  const exits = ledger.totals().count;
  const from = wholeNumber(options.from ?? leastOf(rows, ({ at }) => at), "the beginning", 0);
  const end = options.to ?? -leastOf(rows, ({ at, cycles }) => -(at + cycles.total));
  // A single exit that cost nothing still has to be somewhere.
  const to = wholeNumber(Math.max(end, options.to === undefined ? from + 1 : end), "the end", from + 1);
  const named: [ExitRow, string][] = [];
  for (const row of rows) {
    const name = seriesOf(row, by, options);
    if (name !== undefined && row.at < to && row.at + row.cycles.total >= from) named.push([row, name]);
  }
  const { names, places } = chooseSeries(named, most);

  const bucketCycles = Math.max(1, Math.ceil((to - from) / wanted));
  const count = rows.length === 0 ? 0 : Math.ceil((to - from) / bucketCycles);
  const sums = Array.from({ length: count }, () => names.map(() => new Sum()));
  for (const [row, name] of named) {
    const place = places.get(name)!;
    if (row.at >= from) sums[Math.floor((row.at - from) / bucketCycles)][place].samples++;
    spread(row, from, to, bucketCycles, (bucket, cycles) => sums[bucket][place].cycles += cycles);
  }
  const total = (list: readonly TimelineSum[]) =>
    list.reduce<TimelineSum>((sum, one) => ({
      samples: sum.samples + one.samples,
      cycles: sum.cycles + one.cycles,
    }), { samples: 0, cycles: 0 });
  const series = names.map((name, i) => ({ name, ...total(sums.map((bucket) => bucket[i])) }));
  const shown = total(series).samples;
  const recorded = rows.length;
  const notes = recorded === exits ? [] : [
    `${exits - recorded} of ${exits} exits have no row: rows are kept while recording is on, the last ones`,
  ];
  return {
    by,
    from,
    to,
    bucketCycles,
    series,
    buckets: sums.map((list, i) => ({
      from: from + i * bucketCycles,
      to: Math.min(to, from + (i + 1) * bucketCycles),
      ...total(list),
      series: list.map(({ samples, cycles }) => ({ samples, cycles })),
    })),
    vcpus: new Set(rows.map(({ vcpu }) => vcpu)).size,
    exits,
    notShown: exits - shown,
    profile: { name: profile.name, title: profile.title, source: profile.data.source },
    clock: profile.frequency,
    provenance: stageProvenance(profile, distinct(named.map(([row]) => row))),
    notes,
  };
}

/** The least value; 0 without rows. Not by `Math.min(...)`, which takes no 100,000 arguments. */
function leastOf(rows: readonly ExitRow[], valueOf: (row: ExitRow) => number): number {
  return rows.length === 0 ? 0 : rows.reduce((least, row) => Math.min(least, valueOf(row)), Infinity);
}

/** Gives each bucket the cycles of an exit that were spent in it. */
function spread(
  { at, cycles }: ExitRow,
  from: number,
  to: number,
  bucketCycles: number,
  give: (bucket: number, cycles: number) => void,
): void {
  const end = Math.min(at + cycles.total, to);
  let start = Math.max(at, from);
  while (start < end) {
    const bucket = Math.floor((start - from) / bucketCycles);
    const next = Math.min(end, from + (bucket + 1) * bucketCycles);
    give(bucket, next - start);
    start = next;
  }
}

/** One row for each reason, direction and set of stages that cost something: all that provenance depends on. */
function distinct(rows: readonly ExitRow[]): ExitRow[] {
  const found = new Map<string, ExitRow>();
  for (const row of rows) {
    const { worldSwitch, dispatch, decode, userspace } = row.cycles;
    const used = [worldSwitch, dispatch, decode, userspace].map((cycles) => cycles === 0 ? 0 : 1).join("");
    found.set(`${row.reason} ${row.direction} ${used}`, row);
  }
  return [...found.values()];
}
