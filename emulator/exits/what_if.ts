/** Questions to exits that already happened: what they would cost if a stage cost something else. */
import type { LedgerView, RepricedLedger } from "./ledger_view.ts";
import { CostProfile, type Figure, type ReasonStages, type StageFigures } from "./profile.ts";
import { PRICED_STAGES, type PricedStage } from "./stages.ts";

/** A ledger whose exits can be priced again; `reprice` throws `Error` where the guest read its clock. */
export interface Repriceable extends LedgerView {
  /** See `Ledger.reprice`. */
  reprice(profile: CostProfile): RepricedLedger;
}

/** Which figures of a profile. */
export interface StageOf {
  /** The stage. */
  readonly stage: PricedStage;
  /** Canonical exit reason, e.g. `"MMIO"`; of all reasons if not given. */
  readonly reason?: string;
}

/** Figures that are to be other ones. */
export interface FigureChange extends StageOf {
  /** What the stage costs in cycles, an integer of at least 0, in both directions. */
  readonly cycles: number;
}

/** What one stage of one reason's exits weighs in a ledger. */
export interface StageWeight {
  /** Canonical exit reason. */
  readonly reason: string;
  /** The stage. */
  readonly stage: PricedStage;
  /** How many times it was charged: cycles that the ledger grows by for each cycle more that it costs. */
  readonly times: number;
  /** What it was charged in all, in cycles. */
  readonly cycles: number;
  /** Its part of all cycles of exits, 0 to 1. */
  readonly share: number;
}

/** Where two ledgers would cost the same. */
export type BreakEven =
  /** There, in cycles; a fraction, and below 0 where no price can do it. `below` is the cheaper one of the two below it. */
  | { readonly cycles: number; readonly below: "first" | "second" }
  /** The stage weighs the same in both: one of them is always cheaper, or neither. */
  | { readonly cycles: undefined; readonly cheaper: "first" | "second" | "neither" };

/**
 * The profile with other figures, which are assumed, for `Ledger.reprice`. Throws `RangeError` for cycles that are no
 * integer of at least 0, or a stage that there is not.
 */
export function withFigures(profile: CostProfile, changes: readonly FigureChange[]): CostProfile {
  const stages: Record<string, ReasonStages> & { default: ReasonStages } = { ...profile.data.stages };
  for (const { stage, reason, cycles } of changes) {
    if (!PRICED_STAGES.includes(stage)) {
      throw new RangeError(`there is no stage ${stage}: there are ${PRICED_STAGES.join(", ")}`);
    }
    if (!Number.isSafeInteger(cycles) || cycles < 0) {
      throw new RangeError(`${stage} cannot cost ${cycles} cycles: give an integer of at least 0`);
    }
    const figure: Figure = { cycles, provenance: "assumed", note: "what if" };
    for (const name of reason === undefined ? Object.keys(stages) : [reason]) {
      const { in: loads, out: stores, ...both } = stages[name] ?? {};
      stages[name] = {
        ...both,
        [stage]: figure,
        ...(loads && { in: without(loads, stage) }),
        ...(stores && { out: without(stores, stage) }),
      };
    }
  }
  return new CostProfile({ ...profile.data, name: `${profile.name} what-if`, stages });
}

/** What each stage weighs in a ledger, the heaviest first. Throws `Error` where the ledger cannot be priced again. */
export function stageWeights(ledger: Repriceable): StageWeight[] {
  const { total } = ledger.totals().cycles;
  const reasons = new Set(ledger.aggregates().map(({ native }) => native.reason));
  const weights: StageWeight[] = [];
  for (const reason of reasons) {
    const own = ledger.aggregates().filter(({ native }) => native.reason === reason);
    for (const stage of PRICED_STAGES) {
      const cycles = own.reduce((sum, one) => sum + one.cycles[stage], 0);
      const times = timesOf(ledger, { reason, stage });
      if (times > 0) weights.push({ reason, stage, times, cycles, share: total === 0 ? 0 : cycles / total });
    }
  }
  return weights.sort((a, b) =>
    b.cycles - a.cycles || b.times - a.times || (a.reason + a.stage < b.reason + b.stage ? -1 : 1)
  );
}

/** What a stage would have to cost for two ledgers to cost the same, all else as it is: break-even by what is charged. */
export function breakEven(first: Repriceable, second: Repriceable, at: StageOf): BreakEven {
  const [a, b] = [first, second].map((ledger) => ({
    free: costAt(ledger, at, 0),
    times: timesOf(ledger, at),
  }));
  if (a.times === b.times) {
    const cheaper = a.free < b.free ? "first" : a.free > b.free ? "second" : "neither";
    return { cycles: undefined, cheaper };
  }
  return { cycles: (b.free - a.free) / (a.times - b.times), below: a.times > b.times ? "first" : "second" };
}

/** Prices are linear: one cycle more costs what one cycle costs. */
function timesOf(ledger: Repriceable, at: StageOf): number {
  return costAt(ledger, at, 1) - costAt(ledger, at, 0);
}

function costAt(ledger: Repriceable, at: StageOf, cycles: number): number {
  return ledger.reprice(withFigures(ledger.profile, [{ ...at, cycles }])).totals().cycles.total;
}

function without(figures: StageFigures, stage: PricedStage): StageFigures {
  const { [stage]: _gone, ...rest } = figures;
  return rest;
}
