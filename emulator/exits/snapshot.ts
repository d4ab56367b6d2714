/** A ledger as plain data: JSON with a fixed order of keys and rows, and CSV. */
import type { Direction } from "../engine/native_reason.ts";
import { OTHER_KEYS, type SizeCounts } from "./aggregate.ts";
import type { LedgerView } from "./ledger_view.ts";
import type { CostProfile, Frequency } from "./profile.ts";
import { stageProvenance, type UsedFigure, usedFigures } from "./provenance.ts";
import { PRICED_STAGES, type StageCycles } from "./stages.ts";

/** One aggregate as plain data. */
export interface SnapshotAggregate {
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name, e.g. `"IO_INSTRUCTION"`. */
  readonly native: string;
  /** The backend's own number. */
  readonly code: number;
  /** What `key` counts. */
  readonly keySpace: string;
  /** Null for the aggregate of all keys that were too many to keep apart. */
  readonly key: number | null;
  /** `in`, `out` or `none`, as the guest sees it. */
  readonly direction: string;
  /** Who completed the first access. */
  readonly handledIn: string;
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
  /** The cheapest exit in cycles; null where pricing again made it unknown. */
  readonly min: number | null;
  /** The dearest exit in cycles; null where pricing again made it unknown. */
  readonly max: number | null;
}

/** One row as plain data; `pc` is hexadecimal text, since JSON has no 64-bit numbers. */
export interface SnapshotRow {
  /** Position among all exits since the reset, from 0. */
  readonly seq: number;
  /** Index of the vCPU. */
  readonly vcpu: number;
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name, e.g. `"IO_INSTRUCTION"`. */
  readonly native: string;
  /** The backend's own number. */
  readonly code: number;
  /** What `key` counts. */
  readonly keySpace: string;
  /** Port, guest-physical address, hypercall number ... of the first access. */
  readonly key: number;
  /** `in`, `out` or `none`, as the guest sees it. */
  readonly direction: string;
  /** Bytes of the first access; 0 if the exit moves no data. */
  readonly size: number;
  /** Who completed the first access. */
  readonly handledIn: string;
  /** Address of the instruction that left the guest, e.g. `"0x1000"`. */
  readonly pc: string;
  /** Name for `pc`; null if it has none. */
  readonly symbol: string | null;
  /** Guest instructions that the vCPU completed before. */
  readonly instructions: number;
  /** Cycles that the vCPU had spent when the exit began. */
  readonly at: number;
  /** What it cost, by stage. */
  readonly cycles: StageCycles;
  /** Accesses of the instruction. */
  readonly accesses: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
}

/** A ledger as plain data. Equal ledgers give equal text under `JSON.stringify`. */
export interface LedgerSnapshot {
  /** The profile that the cycles are of. */
  readonly profile: { readonly name: string; readonly title: string; readonly source: string };
  /** Cycles a second, and where that figure is from. */
  readonly clock: Frequency;
  /** The figures that the exits were charged by, each with where it is from. */
  readonly figures: readonly UsedFigure[];
  /** Sums over every exit. */
  readonly totals: {
    readonly count: number;
    readonly accesses: number;
    readonly returns: number;
    readonly cycles: StageCycles;
  };
  /** In the ledger's own order. */
  readonly aggregates: readonly SnapshotAggregate[];
  /** Recorded rows, oldest first. */
  readonly rows: readonly SnapshotRow[];
  /** Rows that were recorded and had to make room. */
  readonly droppedRows: number;
}

/** The state of a ledger, or of one priced again, as plain JSON. */
export function snapshot(ledger: LedgerView): LedgerSnapshot {
  const { name, title, data, frequency } = ledger.profile;
  const { count, accesses, returns, cycles } = ledger.totals();
  return {
    profile: { name, title, source: data.source },
    clock: frequency,
    figures: usedFigures(ledger.profile, ledger.aggregates()),
    totals: { count, accesses, returns, cycles },
    aggregates: ledger.aggregates().map((one): SnapshotAggregate => ({
      reason: one.reason,
      native: one.native.name,
      code: one.native.code,
      keySpace: one.keySpace,
      key: one.key === OTHER_KEYS ? null : one.key,
      direction: one.direction,
      handledIn: one.handledIn,
      count: one.count,
      accesses: one.accesses,
      returns: one.returns,
      sizes: one.sizes,
      cycles: one.cycles,
      min: one.min ?? null,
      max: one.max ?? null,
    })),
    rows: ledger.rows.map((row): SnapshotRow => ({
      seq: row.seq,
      vcpu: row.vcpu,
      reason: row.reason,
      native: row.native.name,
      code: row.native.code,
      keySpace: row.keySpace,
      key: row.key,
      direction: row.direction,
      size: row.size,
      handledIn: row.handledIn,
      pc: `0x${row.pc.toString(16)}`,
      symbol: row.symbol ?? null,
      instructions: row.instructions,
      at: row.at,
      cycles: row.cycles,
      accesses: row.accesses,
      returns: row.returns,
    })),
    droppedRows: ledger.droppedRows,
  };
}

/** One line of CSV (RFC 4180): quoted where a comma, a quote or a line end makes it necessary. */
function csvLine(values: readonly unknown[]): string {
  return values.map((value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",");
}

/** Objects of one shape as CSV with a header line; a nested object's keys become columns `outer.inner`. */
function csv(columns: readonly string[], records: readonly object[]): string {
  const lines = records.map((record) =>
    csvLine(columns.map((column) => {
      const [outer, inner] = column.split(".");
      const value = (record as Record<string, unknown>)[outer];
      return inner === undefined ? value : (value as Record<string, unknown>)[inner];
    }))
  );
  return [csvLine(columns), ...lines, ""].join("\n");
}

const CYCLES = ["worldSwitch", "dispatch", "decode", "userspace", "device", "total"].map((s) =>
  `cycles.${s}`
);
/** Where the figures of each stage are from; empty where it costs nothing. */
const PROVENANCE = ["profile", ...PRICED_STAGES.map((stage) => `provenance.${stage}`)];
const ROW_COLUMNS = [
  ...[
    "seq",
    "vcpu",
    "reason",
    "native",
    "code",
    "keySpace",
    "key",
    "direction",
    "size",
    "handledIn",
    "pc",
    "symbol",
  ],
  ...["instructions", "at", ...CYCLES, "accesses", "returns", ...PROVENANCE],
];
const AGGREGATE_COLUMNS = [
  ...[
    "reason",
    "native",
    "code",
    "keySpace",
    "key",
    "direction",
    "handledIn",
    "count",
    "accesses",
    "returns",
  ],
  ...["sizes.1", "sizes.2", "sizes.4", "sizes.8", "sizes.other", ...CYCLES, "min", "max", ...PROVENANCE],
];

/** Lines with the profile and the provenance of their figures: what a line is cut out with says where it is from. */
function withProvenance<T extends SnapshotAggregate | SnapshotRow>(
  profile: CostProfile,
  records: readonly T[],
): object[] {
  // Rows are many, and kinds of them few.
  const known = new Map<string, object>();
  return records.map((record) => {
    const { reason, direction, cycles } = record;
    const zeros = PRICED_STAGES.map((stage) => cycles[stage] === 0);
    const kind = `${reason} ${direction} ${zeros}`;
    let provenance = known.get(kind);
    if (provenance === undefined) {
      const charged = { reason, direction: direction as Direction, cycles };
      provenance = stageProvenance(profile, [charged]);
      known.set(kind, provenance);
    }
    return { ...record, profile: profile.name, provenance };
  });
}

/** The aggregates as CSV, one line each. Lines end with a line feed. */
export function aggregatesCsv(ledger: LedgerView): string {
  return csv(AGGREGATE_COLUMNS, withProvenance(ledger.profile, snapshot(ledger).aggregates));
}

/** The recorded rows as CSV, one line each. Lines end with a line feed. */
export function rowsCsv(ledger: LedgerView): string {
  return csv(ROW_COLUMNS, withProvenance(ledger.profile, snapshot(ledger).rows));
}
