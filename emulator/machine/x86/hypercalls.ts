/** VMCALL, VMMCALL and ports that carry registers: on to the hypervisor's personality, or to the wrong vendor's fate. */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import { STATE } from "../../ir/layout.ts";
import { RAX } from "../../x86/slots.ts";
import { hypercallBytes } from "../hypervisors/hypervisor.ts";
import { REACH } from "../processor.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION } from "./fault.ts";
import { type CallExit, serveAgain } from "./hypercall.ts";
import { is64, isReal, privilegeOf } from "./mode.ts";
import { deliver } from "./protected.ts";
import { raise } from "./raise.ts";

/** What becomes of the instruction: of the backend's own vendor, or of the other one. */
export function hypercall(
  vcpu: Vcpu,
  rule: TrapRule,
  backend: Backend,
  name: "vmcall" | "vmmcall",
): Status {
  if (rule.do === "native") {
    throw new TypeError(`backend ${backend.name} lets ${name} through, which only a hypervisor can answer`);
  }
  if (rule.do === "exit") return answer(vcpu, rule);
  const policy = vcpu.board.wrongHypercall;
  if (policy === "reject") return raise(vcpu, rule.vector, 0, rule.why);
  const exception = backend.reasons.find(({ keySpace }) => keySpace === "vector")!;
  if (vcpu.exits.replays) return answer(vcpu, { reason: exception });
  const refusal = refused(vcpu, name);
  if (refusal) {
    vcpu.exits.kernelExit(exception, EXCEPTION.UD);
    return deliver(vcpu, { ...refusal, code: 0, why: rule.why, kind: "fault" });
  }
  if (policy === "patch") return patch(vcpu, exception, rule.why);
  return answer(vcpu, { reason: exception, seen: { key: EXCEPTION.UD, direction: "none", size: 0 } });
}

function answer(vcpu: Vcpu, exit: CallExit): Status {
  if (vcpu.exits.replays) return serveAgain(vcpu, exit);
  const { hypervisor } = vcpu.board;
  if (!hypervisor.call) throw new TypeError(`hypervisor ${hypervisor.name} has no calls on x86`);
  return hypervisor.call(vcpu, exit);
}

/**
 * What KVM's emulator checks before it looks at the instruction (arch/x86/kvm/emulate.c, group7_rm0 and group7_rm3; the
 * former from memory): VMCALL is privileged there, VMMCALL is not in real mode.
 */
function refused({ state }: Vcpu, name: "vmcall" | "vmmcall"): { vector: number } | undefined {
  if (name === "vmcall" && privilegeOf(state) > 0) return { vector: EXCEPTION.GP };
  if (name === "vmmcall" && isReal(state)) return { vector: EXCEPTION.UD };
  return undefined;
}

/**
 * KVM takes the #UD, writes its own vendor's instruction over the guest's and lets it be executed again
 * (`em_hypercall`, `emulator_fix_hypercall`). Where the guest may not write its text it gets the #UD.
 */
function patch(vcpu: Vcpu, exception: NativeReason, why: string): Status {
  const { board, pc } = vcpu;
  vcpu.exits.kernelExit(exception, EXCEPTION.UD);
  const bytes = hypercallBytes(board.backend.name);
  const places = Array.from(bytes, (_, i) => writable(vcpu, pc + BigInt(i)));
  if (places.some((gpa) => gpa < 0)) {
    return deliver(vcpu, { vector: EXCEPTION.UD, code: 0, why, kind: "fault" });
  }
  places.forEach((gpa, i) => board.memory.write(gpa, bytes.subarray(i, i + 1)));
  return vcpu.fault(pc);
}

/** Where a store to the code at an address goes: guest-physical, in RAM, or -1. */
function writable(vcpu: Vcpu, address: bigint): number {
  const { codeBase } = vcpu.isa, { translation, board } = vcpu, wide = is64(vcpu.state);
  const linear = codeBase === undefined ? address : address + vcpu.state.get64(codeBase);
  const low = Number(BigInt.asUintN(32, linear)), high = wide ? Number(BigInt.asUintN(32, linear >> 32n)) : 0;
  const gpa = translation?.active(REACH.store)
    ? translation.translate(low, high, REACH.store)
    : high * 2 ** 32 + low;
  const slot = gpa < 0 ? undefined : board.memory.find(gpa);
  return slot && !slot.readOnly ? gpa : -1;
}

/** Whether an IN or OUT is of the port that the hypervisor opens to everybody. One that is gone on with may have lost it. */
export function isBackdoor(vcpu: Vcpu): boolean {
  const { backdoor: door, stringDoor } = vcpu.board.hypervisor;
  if (stringDoor && vcpu.argument(0) === stringDoor.port) return stringDoor.opensTo(vcpu);
  if (!door || vcpu.argument(1) !== 4) return false;
  return vcpu.argument(0) === door.port || vcpu.exits.replaysCall;
}

/** An IN of the hypervisor's own port, which carries registers; undefined if it is any other. */
export function backdoor(vcpu: Vcpu, native: NativeReason): Status | undefined {
  const { backdoor: door } = vcpu.board.hypervisor;
  if (!door || vcpu.argument(0) === vcpu.board.hypervisor.stringDoor?.port || !isBackdoor(vcpu)) {
    return undefined;
  }
  const port = vcpu.argument(0), size = vcpu.argument(1);
  const exit: CallExit = { reason: native, seen: { key: port, direction: "in", size } };
  const status = vcpu.exits.replays ? serveAgain(vcpu, exit) : door.call(vcpu, exit);
  // IN writes eax itself: what the call has left there.
  if (status === STATUS.proceed) vcpu.state.set64(STATE.result, BigInt(vcpu.state.get32(RAX)));
  return status;
}
