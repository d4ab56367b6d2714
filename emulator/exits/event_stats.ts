/** Samples, extremes, means and their spread by event: what `perf kvm stat` reports, from a ledger. */
import { OTHER_KEYS } from "./aggregate.ts";
import type { KeySpace } from "../engine/native_reason.ts";
import type { LedgerView } from "./ledger_view.ts";
import type { Frequency } from "./profile.ts";
import { type StageProvenance, stageProvenance } from "./provenance.ts";
import { keyName } from "./tabulate.ts";

/** perf's events: all exits, MMIO accesses, port accesses, hypercalls. */
export type EventKind = "vmexit" | "mmio" | "ioport" | "hcall";

/** What perf can sort by. */
export type EventSortKey = "sample" | "time" | "min_time" | "max_time" | "mean_time";

/** What is counted and in which order. */
export interface EventStatsOptions {
  /** `sample` if not given, as in perf. The largest come first. */
  readonly key?: EventSortKey;
  /** Index of the only vCPU to count, from recorded rows; all if not given. */
  readonly vcpu?: number;
}

/** One event. Times are cycles. */
export interface EventStatsRow {
  /** The backend's exit reason, or the key with its direction as perf writes it. */
  readonly name: string;
  /** How many there were. */
  readonly samples: number;
  /** Cycles of all of them. */
  readonly time: number;
  /** Cycles of the cheapest; null where pricing again made it unknown. */
  readonly min: number | null;
  /** Cycles of the dearest; null as `min` is. */
  readonly max: number | null;
  /**
   * Standard error of the mean in percent of the mean, as perf's `+-`: 0 for fewer than two samples; null where single
   * exits are not known, as rows were not recorded and exits of one key differ.
   */
  readonly error: number | null;
}

/** The events as plain data. */
export interface EventStats {
  /** What was counted. */
  readonly event: EventKind;
  /** The vCPU that was counted; null for all. */
  readonly vcpu: number | null;
  /** In the order that was asked for. */
  readonly rows: readonly EventStatsRow[];
  /** All samples. */
  readonly samples: number;
  /** Cycles of all of them. */
  readonly time: number;
  /** The profile that the cycles are of. */
  readonly profile: { readonly name: string; readonly title: string; readonly source: string };
  /** Cycles a second, which is often assumed. */
  readonly clock: Frequency;
  /** Where the figures behind the cycles are from. */
  readonly provenance: StageProvenance;
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[];
}

const SPACES: Readonly<Record<EventKind, KeySpace | undefined>> = {
  vmexit: undefined,
  mmio: "gpa",
  ioport: "port",
  hcall: "hypercall",
};

/** What is known of the exits of one event: their number, sum and sum of squares. */
class Sum {
  samples = 0;
  time = 0;
  squares = 0;
  min: number | null = Infinity;
  max: number | null = -Infinity;
  /** False once exits came in whose single costs are not known. */
  exact = true;

  add(samples: number, time: number, min: number | undefined, max: number | undefined): void {
    this.samples += samples;
    this.time += time;
    this.min = this.min === null || min === undefined ? null : Math.min(this.min, min);
    this.max = this.max === null || max === undefined ? null : Math.max(this.max, max);
    if (min === undefined || min !== max) this.exact = false;
    else this.squares += samples * min * min;
  }

  /** As perf's `rel_stddev_stats(stddev_stats())`: the standard error of the mean by the mean, in percent. */
  get error(): number | null {
    if (!this.exact) return null;
    const { samples, time, squares } = this;
    if (samples < 2 || time === 0) return 0;
    const variance = Math.max(0, squares - time * time / samples) / (samples - 1);
    return 100 * Math.sqrt(variance / samples) / (time / samples);
  }
}

const SORTS: Readonly<Record<EventSortKey, (row: EventStatsRow) => number>> = {
  sample: ({ samples }) => samples,
  time: ({ time }) => time,
  min_time: ({ min }) => min ?? 0,
  max_time: ({ max }) => max ?? 0,
  mean_time: ({ time, samples }) => time / samples,
};

/**
 * The events of a ledger, or of one priced again. Where every exit has its row, spreads are exact; else they are known
 * where all exits of a key cost the same. One vCPU's events are counted from recorded rows only, and a note says how many
 * exits have none.
 */
export function eventStats(
  ledger: LedgerView,
  event: EventKind,
  options: EventStatsOptions = {},
): EventStats {
  const { key = "sample", vcpu } = options;
  const { profile, rows: recorded } = ledger;
  const exits = ledger.totals().count;
  const space = SPACES[event];
  const byRow = vcpu !== undefined || recorded.length === exits;
  const source = byRow
    ? recorded.filter((row) => vcpu === undefined || row.vcpu === vcpu).map((row) => ({
      ...{ native: row.native, keySpace: row.keySpace, key: row.key, direction: row.direction },
      ...{ reason: row.reason, cycles: row.cycles, count: 1, min: row.cycles.total, max: row.cycles.total },
    }))
    : ledger.aggregates();
  const charged = source.filter(({ keySpace }) => space === undefined || keySpace === space);
  const sums = new Map<string, Sum>();
  for (const one of charged) {
    const name = space === undefined ? one.native.name : keyName(one);
    let sum = sums.get(name);
    if (sum === undefined) sums.set(name, sum = new Sum());
    sum.add(one.count, one.cycles.total, one.min, one.max);
  }
  const rows = [...sums].map(([name, { samples, time, min, max, error }]): EventStatsRow => ({
    ...{ name, samples, time, min, max, error },
  }));
  const sort = SORTS[key];
  rows.sort((a, b) => sort(b) - sort(a) || (a.name < b.name ? -1 : 1));
  const notes: string[] = [];
  if (vcpu !== undefined && recorded.length < exits) {
    notes.push(
      `${exits - recorded.length} of ${exits} exits have no row: of which vCPU they were is not known`,
    );
  }
  if (rows.some(({ min }) => min === null)) {
    notes.push("?: after pricing again, the extremes of exits with several accesses are not known");
  }
  if (rows.some(({ error }) => error === null)) {
    notes.push('+- ?: exits differ, and not all have a row: "exits record on" before the run keeps them');
  }
  if (charged.some((one) => one.key === OTHER_KEYS)) {
    notes.push("other keys: more or larger keys than are kept apart, counted together");
  }
  const total = (valueOf: (row: EventStatsRow) => number) => rows.reduce((sum, row) => sum + valueOf(row), 0);
  return {
    event,
    vcpu: vcpu ?? null,
    rows,
    samples: total(({ samples }) => samples),
    time: total(({ time }) => time),
    profile: { name: profile.name, title: profile.title, source: profile.data.source },
    clock: profile.frequency,
    provenance: stageProvenance(profile, charged),
    notes,
  };
}
