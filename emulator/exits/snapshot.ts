/** A ledger as plain data: JSON with a fixed order of keys and rows, and CSV. */
import { OTHER_KEYS, type SizeCounts } from "./aggregate.ts";
import type { LedgerView } from "./ledger_view.ts";
import type { StageCycles } from "./stages.ts";

/** One aggregate as plain data. */
export interface SnapshotAggregate {
  readonly reason: string;
  readonly native: string;
  readonly code: number;
  readonly keySpace: string;
  /** Null for the aggregate of all keys that were too many to keep apart. */
  readonly key: number | null;
  readonly direction: string;
  readonly handledIn: string;
  readonly count: number;
  readonly accesses: number;
  readonly returns: number;
  readonly sizes: SizeCounts;
  readonly cycles: StageCycles;
  /** Null where pricing again made it unknown. */
  readonly min: number | null;
  readonly max: number | null;
}

/** One row as plain data; `pc` is hexadecimal text, since JSON has no 64-bit numbers. */
export interface SnapshotRow {
  readonly seq: number;
  readonly vcpu: number;
  readonly reason: string;
  readonly native: string;
  readonly code: number;
  readonly keySpace: string;
  readonly key: number;
  readonly direction: string;
  readonly size: number;
  readonly handledIn: string;
  readonly pc: string;
  readonly symbol: string | null;
  readonly instructions: number;
  readonly at: number;
  readonly cycles: StageCycles;
  readonly accesses: number;
  readonly returns: number;
}

/** A ledger as plain data. Equal ledgers give equal text under `JSON.stringify`. */
export interface LedgerSnapshot {
  readonly profile: { readonly name: string; readonly source: string };
  readonly totals: {
    readonly count: number;
    readonly accesses: number;
    readonly returns: number;
    readonly cycles: StageCycles;
  };
  readonly aggregates: readonly SnapshotAggregate[];
  readonly rows: readonly SnapshotRow[];
  readonly droppedRows: number;
}

/** The state of a ledger, or of one priced again, as plain JSON. */
export function snapshot(ledger: LedgerView): LedgerSnapshot {
  const { name, data } = ledger.profile;
  const { count, accesses, returns, cycles } = ledger.totals();
  return {
    profile: { name, source: data.source },
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
  ...["instructions", "at", ...CYCLES, "accesses", "returns"],
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
  ...["sizes.1", "sizes.2", "sizes.4", "sizes.8", "sizes.other", ...CYCLES, "min", "max"],
];

/** The aggregates as CSV, one line each. Lines end with a line feed. */
export function aggregatesCsv(ledger: LedgerView): string {
  return csv(AGGREGATE_COLUMNS, snapshot(ledger).aggregates);
}

/** The recorded rows as CSV, one line each. Lines end with a line feed. */
export function rowsCsv(ledger: LedgerView): string {
  return csv(ROW_COLUMNS, snapshot(ledger).rows);
}
