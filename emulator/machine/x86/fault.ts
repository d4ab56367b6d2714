/** What system instructions and deliveries throw where they cannot go on, and the exceptions by name. */
import type { StopDetail } from "../stop.ts";
import { offenderOf, unimplemented } from "../unimplemented.ts";
import type { Vcpu } from "../vcpu.ts";

/** Exceptions that are raised here. SDM vol. 3A, table 6-1. */
export const EXCEPTION = { DB: 1, UD: 6, DF: 8, TS: 10, NP: 11, SS: 12, GP: 13 } as const;

const NAMES: Readonly<Record<number, string>> = {
  0: "#DE",
  1: "#DB",
  3: "#BP",
  4: "#OF",
  5: "#BR",
  6: "#UD",
  7: "#NM",
  8: "#DF",
  10: "#TS",
  11: "#NP",
  12: "#SS",
  13: "#GP",
  14: "#PF",
};

/** Mnemonic of an exception's vector. */
export function exceptionName(vector: number): string {
  return NAMES[vector] ?? "exception";
}

/**
 * The instruction, or the delivery, raises an exception. `why` is for people. No `Error`: guests may raise millions, and
 * nobody reads the host's stack.
 */
export class Fault {
  constructor(readonly vector: number, readonly code: number, readonly why: string) {}
}

/** The run ends; the instruction is not executed. */
export class Halt {
  constructor(readonly stop: StopDetail) {}
}

/** The stop for something that this version does not have. */
export function lacking(vcpu: Vcpu, what: string): Halt {
  return new Halt(unimplemented(offenderOf(vcpu), what));
}
