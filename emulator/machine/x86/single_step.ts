/** EFLAGS.TF: a #DB after each instruction. SDM vol. 3B, 17.3.1.4. */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import type { StateView } from "../../isa/isa.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { DR, EFLAGS_REST } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { deliver } from "./protected.ts";

/** DR6.BS. */
const BS = 0x4000n;

/** Whether the next instruction is followed by a #DB. */
export function isStepping(state: StateView): boolean {
  return (state.get64(EFLAGS_REST) & FLAG.TF) !== 0n;
}

/** Between two instructions, the first of which was begun with TF set: enters the handler of #DB, or ends the run. */
export function deliverSingleStep(vcpu: Vcpu): Status {
  const { state } = vcpu, dr6 = DR + 8 * 6;
  state.set64(dr6, state.get64(dr6) | BS);
  return deliver(vcpu, { vector: EXCEPTION.DB, kind: "step" });
}

export const singleStepTraps: Readonly<Record<string, ArchTrap>> = {
  /** TF was set by an instruction that is done but for its branch: it is not followed by a #DB, the next one is. */
  single_step(vcpu) {
    vcpu.state.set64(STATE.pc, vcpu.argument64(0));
    vcpu.engine.brake();
    return STATUS.redirect;
  },
};
