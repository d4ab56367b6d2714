/** Prices exits that already happened under another profile. */
import type { Cell } from "./aggregate.ts";
import type { RepricedLedger, RepriceOptions } from "./ledger_view.ts";
import { type CostProfile, priceExits } from "./profile.ts";
import type { ExitRow, Row } from "./row.ts";
import { sumAggregates } from "./totals.ts";

/** What a ledger hands over to be priced again. */
export interface RepriceInput {
  readonly cells: readonly Cell[];
  /** The exits that are not yet settled, one for each vCPU, and what they cost beyond their price so far. */
  readonly open: readonly { readonly cell: Cell | undefined; readonly extra: number }[];
  readonly rows: readonly Row[];
  readonly droppedRows: number;
  readonly count: number;
  /** True if the profile is the one that the exits were charged under. */
  readonly charged: boolean;
}

function repriceRows(rows: readonly Row[], profile: CostProfile): ExitRow[] {
  // A vCPU's clock stands further on by what its exits so far cost more under the new profile.
  const shifts = new Map<number, number>();
  return rows.map((row): ExitRow => {
    const { priceClass, again } = row.recorded;
    const cycles = priceExits(profile.pricesOf(row.reason), priceClass, 1, again, row.cycles.device);
    const shift = shifts.get(row.vcpu) ?? 0;
    shifts.set(row.vcpu, shift + cycles.total - row.cycles.total);
    const at = row.at + shift;
    return { ...row, at, cycles };
  });
}

/** Builds the repriced view; `Ledger.reprice` checks first that it may. */
export function repriceLedger(
  input: RepriceInput,
  profile: CostProfile,
  options: RepriceOptions,
): RepricedLedger {
  const { open, charged } = input;
  const aggregates = input.cells.map((cell) =>
    cell.aggregate(
      profile.pricesOf(cell.native.reason),
      open.filter((one) => one.cell === cell).map(({ extra }) => extra),
      charged,
    )
  );
  const { instructions } = options;
  return {
    profile,
    rows: repriceRows(input.rows, profile),
    droppedRows: input.droppedRows,
    rowsComplete: input.rows.length === input.count,
    instructionCycles: instructions &&
      Object.entries(instructions).reduce((sum, [name, times]) => sum + profile.costOf(name) * times, 0),
    aggregates: () => aggregates,
    totals: () => sumAggregates(aggregates),
  };
}
