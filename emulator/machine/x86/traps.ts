/** What x86's traps come to: port accesses, hypercalls, and what KVM completes in the kernel. */
import type { TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import { RAX, RBX, RCX, RDX } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { portAccess } from "./port_access.ts";
import { controlTraps } from "./control.ts";
import { cpuid } from "./cpuid.ts";
import { farTraps } from "./far.ts";
import { interruptReturnTraps } from "./interrupt_return.ts";
import { backdoor, hypercall } from "./hypercalls.ts";
import { msrTraps, tsc } from "./msrs.ts";
import { checked } from "./privilege_checks.ts";
import { raise } from "./raise.ts";
import { segmentTraps } from "./segments.ts";
import { stringPort } from "./string_port.ts";
import { repeatTraps } from "./repeat.ts";
import { singleStepTraps } from "./single_step.ts";
import { interruptTraps } from "./software_interrupt.ts";
import { systemCallTraps } from "./system_call.ts";
import { verifyTraps } from "./verify.ts";

const handlers: Readonly<Record<string, ArchTrap>> = {
  in(vcpu, rule) {
    const native = reasonOf(vcpu, rule);
    return backdoor(vcpu, native) ?? portAccess(vcpu, native, "in");
  },
  out: (vcpu, rule) => portAccess(vcpu, reasonOf(vcpu, rule), "out"),
  ins: stringPort("in"),
  outs: stringPort("out"),
  vmcall: (vcpu, rule, backend) => hypercall(vcpu, rule, backend, "vmcall"),
  vmmcall: (vcpu, rule, backend) => hypercall(vcpu, rule, backend, "vmmcall"),

  cpuid(vcpu, rule, backend) {
    const leaf = vcpu.state.get32(RAX);
    if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, leaf);
    const vendor = backend.name === "svm" ? "AuthenticAMD" : "GenuineIntel";
    const { hypervisor, hypervisorState: { guestOsId }, exits } = vcpu.board;
    const facts = { tscHz: exits.profile.tscHz ?? 0, guestOsId };
    const answer = cpuid(vendor, leaf, (leaf) => hypervisor.cpuid?.(leaf, facts));
    [RAX, RBX, RCX, RDX].forEach((slot, i) => vcpu.state.set64(slot, BigInt(answer[i] >>> 0)));
    return STATUS.proceed;
  },

  rdtsc: clock,
  rdtscp: clock,

  hlt(vcpu, rule) {
    if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, 0);
    return vcpu.halt();
  },

  exception: (vcpu) => raise(vcpu, vcpu.argument(0), vcpu.argument(1)),

  // Caches that the machine does not have, and translations that have gone stale, which there are none of.
  invd: completed,
  wbinvd: completed,
  invlpg: completed,

  ...farTraps,
  ...segmentTraps,
  ...controlTraps,
  ...msrTraps,
  ...interruptReturnTraps,
  ...interruptTraps,
  ...singleStepTraps,
  ...repeatTraps,
  ...systemCallTraps,
  ...verifyTraps,
};

/** By name: each behind the checks of what the current privilege level may do. */
export const x86Traps: Readonly<Record<string, ArchTrap>> = checked(handlers);

function clock(vcpu: Vcpu, rule: TrapRule): Status {
  if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, 0);
  // One tick of the TSC is one cycle of the profile.
  vcpu.answer(tsc(vcpu));
  return STATUS.proceed;
}

function completed(vcpu: Vcpu, rule: TrapRule): Status {
  if (rule.do === "exit") vcpu.exits.kernelExit(rule.reason, 0);
  return STATUS.proceed;
}

/** The reason of an exit that no backend goes without. */
function reasonOf(vcpu: Vcpu, rule: TrapRule): NativeReason {
  if (rule.do === "exit") return rule.reason;
  throw new TypeError(
    `backend ${vcpu.board.backend.name} lets an instruction through that only a hypervisor can answer`,
  );
}
