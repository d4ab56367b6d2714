/** What can be looked at in a ledger, whether it charged its exits or they were priced again. */
import type { Aggregate } from "./aggregate.ts";
import type { CostProfile } from "./profile.ts";
import type { ExitRow } from "./row.ts";
import type { Totals } from "./totals.ts";

/** What a ledger and a repriced ledger both offer to reports. */
export interface LedgerView {
  /** The profile that the cycles are of. */
  readonly profile: CostProfile;
  /** Recorded rows, oldest first. */
  readonly rows: readonly ExitRow[];
  /** Rows that were recorded and had to make room: see `LedgerOptions.rowLimit`. */
  readonly droppedRows: number;
  /** By reason, key, direction and handling, in that order; cost grows with their number, not with the exits. */
  aggregates(): readonly Aggregate[];
  /** Sums over every exit since the reset. */
  totals(): Totals;
}

/** A ledger priced again: see `Ledger.reprice`. */
export interface RepricedLedger extends LedgerView {
  /** True if every exit has its row, so that the rows' `at` moved by all that changed before them. */
  readonly rowsComplete: boolean;
  /** Cycles of the guest's instructions under this profile; undefined unless their counts were given. */
  readonly instructionCycles: number | undefined;
}

/** What is priced again beside the exits. */
export interface RepriceOptions {
  /** Executed instructions by cycle class. Without it only exits are priced again. */
  readonly instructions?: Readonly<Record<string, number>>;
}
