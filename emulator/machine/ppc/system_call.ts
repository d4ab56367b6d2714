/** `sc`: a call of the hypervisor, if its personality takes it for one, or of the guest's own kernel. */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import type { Status } from "../../engine/host.ts";
import { MSR, SLOT } from "../../ppc/state.ts";
import { NO_CALL } from "../hypervisors/hypervisor.ts";
import type { Vcpu } from "../vcpu.ts";
import { fault, interrupt, SRR1, VECTOR } from "./interrupt.ts";

export function systemCall(vcpu: Vcpu, rule: TrapRule, backend: Backend): Status {
  if (rule.do !== "exit") return ownCall(vcpu);
  // One that is gone on with after its device was waited for: the device may have set what it was told by.
  if (vcpu.exits.replays) return vcpu.exits.hypercall(rule.reason, 0, () => {});
  const level = vcpu.argument(0), { callReason = rule.reason, hypervisor, hypercalls } = vcpu.board;
  const calls = hypervisor.systemCalls, number = calls === undefined ? NO_CALL : calls.number(vcpu, level);
  if (calls !== undefined && number !== NO_CALL) {
    const { idle, unknown } = calls;
    if (number !== idle || hypercalls.find(number)) return vcpu.exits.hypercall(callReason, number, unknown);
    vcpu.exits.kernelExit(callReason, number);
    unknown(vcpu, number);
    return vcpu.halt();
  }
  if (backend.name === "kvm-hv") {
    if (level !== 1) return ownCall(vcpu);
    // Linux arch/powerpc/kvm/book3s_hv.c: from problem state it is a privileged instruction.
    vcpu.exits.kernelExit(rule.reason, 0);
    const user = vcpu.state.get64(SLOT.msr) & MSR.PR;
    return fault(vcpu, VECTOR.program, user ? SRR1.privileged : SRR1.illegal);
  }
  // An ordinary system call: comes out as well, and is reflected into the guest.
  const reflected = backend.reasons.find(({ reason }) => reason === "SYSCALL") ?? rule.reason;
  vcpu.exits.kernelExit(reflected, VECTOR.systemCall);
  return ownCall(vcpu);
}

/** Of the guest's own kernel. */
function ownCall(vcpu: Vcpu): Status {
  return interrupt(vcpu, VECTOR.systemCall, vcpu.nextPc, 0n);
}
