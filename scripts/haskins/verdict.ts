/** The shape of the verdict. */
import type { HandledIn, VehicleName } from "../../mod.ts";
import type { STAGES } from "./hosts.ts";

/** What one operation costs, once its pages are known to the hypervisor. */
export interface Measured {
  readonly exits: number;
  readonly stages: Readonly<Record<(typeof STAGES)[number], number>>;
  readonly guest: number;
  /** Stages and the guest's own instructions. */
  readonly cycles: number;
}

/** A cell of the matrix: a call of 64 bytes that is answered with 8, by a descriptor in RAM. */
export interface Cell extends Measured {
  readonly host: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly handledIn: HandledIn;
  /** The answer was the one that the payload asks for. */
  readonly right: boolean;
}

/** A claim, or a condition, and what came of it. */
export interface Finding {
  readonly id: string;
  readonly who: string;
  readonly claim: string;
  readonly verdict: "holds" | "in part" | "does not hold";
  /** What was measured, with units. */
  readonly measured: string;
  /** The same numbers as data. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** All that was measured, and what came of it. */
export interface Verdict {
  readonly cells: readonly Cell[];
  readonly infeasible: readonly { readonly host: string; readonly via: VehicleName; readonly why: string }[];
  readonly findings: readonly Finding[];
  /** By profile, where its figures are from. */
  readonly provenance: readonly string[];
}

/** What is claimed: its number, who says so, and what. */
export type Claim = readonly [id: string, who: string, claim: string];

export function judged(
  [id, who, claim]: Claim,
  verdict: Finding["verdict"],
  numbers: Finding["numbers"],
  measured: string,
): Finding {
  return { id, who, claim, verdict, measured, numbers };
}

export const holds = (yes: boolean): Finding["verdict"] => yes ? "holds" : "does not hold";
