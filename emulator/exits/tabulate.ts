/** Exit tables as data: exits grouped by reason, key or place, with shares, averages and provenance. */
import type { KeySpace } from "../engine/native_reason.ts";
import { type Aggregate, OTHER_KEYS } from "./aggregate.ts";
import { keyText } from "./key_text.ts";
import type { LedgerView } from "./ledger_view.ts";
import type { Frequency } from "./profile.ts";
import { type StageProvenance, stageProvenance } from "./provenance.ts";
import type { ExitRow } from "./row.ts";
import type { StageCycles } from "./stages.ts";
import { type Group, groupAggregates, sumAggregates, type Totals } from "./totals.ts";

/**
 * What a table's lines stand for. `exit`: the backend's own reasons, as `perf kvm stat` has them; `reason`: the
 * canonical ones; a key space: its keys, with the direction; `pc`: the places in the guest, from recorded rows.
 */
export type ExitTableBy = "exit" | "reason" | Exclude<KeySpace, "none"> | "pc";

/** What a table shows. */
export interface ExitTableOptions {
  /** `exit` if not given. */
  readonly by?: ExitTableBy;
  /** A name for a key, e.g. the device that answers there; it is shown after the key. */
  readonly nameOf?: (keySpace: KeySpace, key: number) => string | undefined;
}

/** One line of a table; also its total. Cycles unless said otherwise. */
export interface ExitTableRow {
  /** The reason, the key with its direction, or the place. */
  readonly name: string;
  /** Exits. */
  readonly samples: number;
  /** Share of the table's exits, 0 to 1. */
  readonly samplesShare: number;
  /** Share of the table's cycles, 0 to 1. */
  readonly timeShare: number;
  /** Accesses: one instruction's exit may make several. */
  readonly accesses: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
  /** The cheapest exit; null where pricing again made it unknown, or without exits. */
  readonly min: number | null;
  /** The dearest exit; null as `min` is. */
  readonly max: number | null;
  /** Mean of one exit; 0 without exits. */
  readonly average: number;
  /** Mean of one exit by stage; `total` is `average`. */
  readonly averageStages: StageCycles;
  /** All exits of the line together. */
  readonly cycles: StageCycles;
}

/** A table of exits as plain data, fit for `JSON.stringify`. */
export interface ExitTable {
  /** What the lines stand for. */
  readonly by: ExitTableBy;
  /** Dearest first. */
  readonly rows: readonly ExitTableRow[];
  /** Sums over the lines. */
  readonly total: ExitTableRow;
  /** Exits of the whole ledger. */
  readonly exits: number;
  /** How many of them the table leaves out. */
  readonly notShown: number;
  /** The profile that the cycles are of. */
  readonly profile: { readonly name: string; readonly title: string; readonly source: string };
  /** Cycles a second, which is often assumed. */
  readonly clock: Frequency;
  /** By stage, where the figures behind this table are from; stages that cost nothing are left out. */
  readonly provenance: StageProvenance;
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[];
}

const WAYS: Readonly<Record<string, { readonly in: string; readonly out: string }>> = {
  port: { in: ":PIN", out: ":POUT" },
  gpa: { in: ":R", out: ":W" },
};

/** A key as far as its name depends on it. */
export type Keyed = Pick<Aggregate, "keySpace" | "key" | "direction">;

/** A key with its direction, as `perf kvm stat` writes them, and its name if it has one. */
export function keyName(
  { keySpace, key, direction }: Keyed,
  options: Pick<ExitTableOptions, "nameOf"> = {},
): string {
  const way = direction === "none" ? "" : WAYS[keySpace]?.[direction] ?? `:${direction}`;
  const name = key === OTHER_KEYS ? undefined : options.nameOf?.(keySpace, key);
  return `${keyText(keySpace, key)}${way}${name === undefined ? "" : ` ${name}`}`;
}

function line(name: string, sums: Totals, all: Totals): ExitTableRow {
  const { count, cycles } = sums;
  const mean = (sum: number) => count === 0 ? 0 : sum / count;
  const { worldSwitch, dispatch, decode, userspace, device, total } = cycles;
  return {
    name,
    samples: count,
    samplesShare: all.count === 0 ? 0 : count / all.count,
    timeShare: all.cycles.total === 0 ? 0 : total / all.cycles.total,
    accesses: sums.accesses,
    returns: sums.returns,
    min: sums.min ?? null,
    max: sums.max ?? null,
    average: mean(total),
    averageStages: {
      worldSwitch: mean(worldSwitch),
      dispatch: mean(dispatch),
      decode: mean(decode),
      userspace: mean(userspace),
      device: mean(device),
      total: mean(total),
    },
    cycles,
  };
}

/** Rows by place as if each were an aggregate of one, so that they group and sum alike. */
function fromRow(row: ExitRow): Aggregate {
  const { reason, keySpace, key, direction, handledIn, accesses, returns, cycles } = row;
  const native = { id: 0, reason, keySpace, source: "", ...row.native };
  const sizes = { 1: 0, 2: 0, 4: 0, 8: 0, other: 0 };
  const { total } = cycles;
  return {
    native,
    reason,
    keySpace,
    key,
    direction,
    handledIn,
    count: 1,
    accesses,
    returns,
    sizes,
    cycles,
    min: total,
    max: total,
  };
}

function groupRows(rows: readonly ExitRow[]): Group[] {
  const names = new Map(
    rows.map((
      row,
    ) => [fromRow(row), `0x${row.pc.toString(16)}${row.symbol === undefined ? "" : ` ${row.symbol}`}`]),
  );
  return groupAggregates([...names.keys()], (one) => names.get(one)!);
}

/**
 * A table of a ledger's exits, or of one priced again. With `by: "pc"` it covers the recorded rows only, and its
 * notes say how many exits have none.
 */
export function tabulateExits(ledger: LedgerView, options: ExitTableOptions = {}): ExitTable {
  const by = options.by ?? "exit";
  const aggregates = ledger.aggregates();
  const exits = sumAggregates(aggregates).count;
  const { profile } = ledger;
  let groups: Group[];
  if (by === "pc") groups = groupRows(ledger.rows);
  else if (by === "exit") groups = groupAggregates(aggregates, (one) => one.native.name);
  else if (by === "reason") groups = groupAggregates(aggregates, (one) => one.reason);
  else {groups = groupAggregates(
      aggregates.filter(({ keySpace }) => keySpace === by),
      (one) => keyName(one, options),
    );}

  const total = sumAggregates(groups.flatMap(({ members }) => members));
  const rows = groups.map((group) => line(group.name, group, total));
  const notes: string[] = [];
  if (by === "pc" && total.count < exits) {
    notes.push(
      `${
        exits - total.count
      } of ${exits} exits have no row: rows are kept while recording is on, the last ones`,
    );
  }
  if (groups.some(({ members }) => members.some(({ key }) => key === OTHER_KEYS))) {
    notes.push("other keys: more or larger keys than are kept apart, counted together");
  }
  if (groups.some(({ min, count }) => count > 0 && min === undefined)) {
    notes.push("?: after pricing again, the extremes of exits with several accesses are not known");
  }
  return {
    by,
    rows,
    total: line("Total", total, total),
    exits,
    notShown: exits - total.count,
    profile: { name: profile.name, title: profile.title, source: profile.data.source },
    clock: profile.frequency,
    provenance: stageProvenance(profile, groups.flatMap(({ members }) => members)),
    notes,
  };
}
