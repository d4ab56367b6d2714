/** A hypercall on its way from an x86 guest: what a hypervisor's personality answers it with. */
import { STATUS, type Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import type { UnknownCall } from "../exit_path.ts";
import type { Hypercall } from "../hypercalls.ts";
import type { ExitSeen } from "../hypervisors/hypervisor.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { deliver } from "./protected.ts";

/** How a call came out. */
export interface CallExit {
  readonly reason: NativeReason;
  /** Where the exit shows otherwise than by the call's number. */
  readonly seen?: ExitSeen;
}

/** Whoever has the number answers it, else the hypervisor's `own` service, or `unknown` sets what it does. */
export function serve(
  vcpu: Vcpu,
  { reason, seen }: CallExit,
  number: number,
  unknown: UnknownCall,
  own?: Hypercall,
): Status {
  return vcpu.exits.hypercall(reason, number, unknown, seen, own);
}

/** One that is gone on with after its device was waited for: its registers are what the device made of them. */
export function serveAgain(vcpu: Vcpu, exit: CallExit): Status {
  return serve(vcpu, exit, 0, () => {});
}

/** The hypervisor answers by itself, whatever the number. */
export function refuse(vcpu: Vcpu, { reason, seen }: CallExit, number: number, set: () => void): Status {
  vcpu.exits.kernelExit(reason, seen?.key ?? number);
  set();
  return STATUS.proceed;
}

/** The guest gets #UD for it. */
export function invalid(vcpu: Vcpu, { reason, seen }: CallExit, number: number, why: string): Status {
  vcpu.exits.kernelExit(reason, seen?.key ?? number);
  return deliver(vcpu, { vector: EXCEPTION.UD, code: 0, why, kind: "fault" });
}
