/** What the handlers of PowerPC's traps have in common. */
import type { TrapRule } from "../../engine/backend.ts";
import type { Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import { MSR, SLOT } from "../../ppc/state.ts";
import { offenderOf, unimplemented } from "../unimplemented.ts";
import type { Vcpu } from "../vcpu.ts";

const MSR_SLOT = SLOT.msr, PROBLEM = Number(MSR.PR);

export function inProblemState(vcpu: Vcpu): boolean {
  return (vcpu.state.get32(MSR_SLOT) & PROBLEM) !== 0;
}

/** Charges the exit of a privileged instruction, where it is one. */
export function emulated(vcpu: Vcpu, rule: TrapRule, key: number): void {
  if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason as NativeReason, key);
}

/** The stop for what this version does not have. */
export function missing(vcpu: Vcpu, what: string): Status {
  return vcpu.exits.stops.again(unimplemented(offenderOf(vcpu), what, `${what} is not implemented`));
}
