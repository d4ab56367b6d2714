/** Where the figures behind charged cycles are from: for the line under a table, and for every export. */
import type { Direction } from "../engine/native_reason.ts";
import type { Aggregate } from "./aggregate.ts";
import type { CostProfile, Figure, Provenance } from "./profile.ts";
import { PRICED_STAGES, type PricedStage, type StageCycles } from "./stages.ts";

/** By stage, where its figures are from; stages that cost nothing are left out. */
export type StageProvenance = { readonly [S in PricedStage]?: readonly string[] };

/** What cycles are charged for, as far as it says which figures were used. */
export interface Charged {
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** Which way data went, as the guest sees it. */
  readonly direction: Direction;
  /** Charged cycles by stage. */
  readonly cycles: StageCycles;
}

/** A figure of the profile that exits of a ledger were charged by. */
export interface UsedFigure {
  /** Canonical reason of the exits that it priced. */
  readonly reason: string;
  /** `in`, `out` or `none`, as the guest sees it. */
  readonly direction: Direction;
  /** What it prices. */
  readonly stage: PricedStage;
  /** Cycles of one exit, or for dispatch and userspace of one access. */
  readonly cycles: number;
  /** `published`, `calibrated` or `assumed`, with ` (unverified)` where the source was recalled and not read again. */
  readonly provenance: string;
  /** Where it is printed: the profile's own source unless the figure has another. */
  readonly source: string;
  /** How it was derived, or why this value was assumed. */
  readonly note?: string;
}

const ORDER: readonly Provenance[] = ["published", "calibrated", "assumed"];

/** `calibrated`, or `calibrated (unverified)`. */
export function provenanceText(
  { provenance, unverified }: Pick<Figure, "provenance" | "unverified">,
): string {
  return unverified ? `${provenance} (unverified)` : provenance;
}

/** By stage, where the figures are from that these cycles were charged by; the best first. */
export function stageProvenance(profile: CostProfile, charged: readonly Charged[]): StageProvenance {
  const found: Partial<Record<PricedStage, string[]>> = {};
  for (const stage of PRICED_STAGES) {
    const kinds = new Set<string>();
    for (const { reason, direction, cycles } of charged) {
      if (cycles[stage] !== 0) kinds.add(provenanceText(profile.figure(reason, direction, stage)));
    }
    const rank = (kind: string) => ORDER.findIndex((known) => kind.startsWith(known));
    if (kinds.size > 0) found[stage] = [...kinds].sort((a, b) => rank(a) - rank(b));
  }
  return found;
}

/** Every figure that exits were charged by, once for each reason and direction, in the ledger's order. */
export function usedFigures(profile: CostProfile, aggregates: readonly Aggregate[]): UsedFigure[] {
  const seen = new Set<string>(), used: UsedFigure[] = [];
  for (const { reason, direction, cycles } of aggregates) {
    for (const stage of PRICED_STAGES) {
      const name = `${reason} ${direction} ${stage}`;
      if (cycles[stage] === 0 || seen.has(name)) continue;
      seen.add(name);
      const figure = profile.figure(reason, direction, stage);
      used.push({
        reason,
        direction,
        stage,
        cycles: figure.cycles,
        provenance: provenanceText(figure),
        source: figure.source ?? profile.data.source,
        ...(figure.note !== undefined && { note: figure.note }),
      });
    }
  }
  return used;
}
