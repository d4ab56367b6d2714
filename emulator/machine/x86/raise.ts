/** Exceptions of instructions, which the hypervisor may take before the guest does. */
import type { Status } from "../../engine/host.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { deliver } from "./protected.ts";

/** Exceptions are counted where the hypervisor intercepts them, as KVM does #UD, and then delivered. */
export function raise(vcpu: Vcpu, vector: number, code: number, why?: string): Status {
  const intercepts = vcpu.board.backend.reasons.find((reason) => reason.keySpace === "vector");
  if (vector === EXCEPTION.UD && intercepts) vcpu.exits.kernelExit(intercepts, vector);
  return deliver(vcpu, { vector, code, why, kind: "fault" });
}
