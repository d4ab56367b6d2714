/** What x86's traps come to: port accesses, hypercalls, and what KVM completes in the kernel. */
import type { TrapRule } from "../engine/backend.ts";
import { STATUS, type Status } from "../engine/host.ts";
import { RAX, RBX, RCX, RDX } from "../x86/slots.ts";
import type { ArchTrap } from "./traps.ts";
import { unimplemented } from "./unimplemented.ts";
import type { Vcpu } from "./vcpu.ts";
import { cpuid } from "./x86_cpuid.ts";
import { raiseInRealMode } from "./x86_real_mode.ts";

/** KVM's answer to a hypercall number that it does not know: -KVM_ENOSYS (include/uapi/linux/kvm_para.h). */
const KVM_ENOSYS = 1000;

export const x86Traps: Readonly<Record<string, ArchTrap>> = {
  in: (vcpu, rule) => exits(vcpu, rule, (native) => vcpu.portAccess(native, "in")),
  out: (vcpu, rule) => exits(vcpu, rule, (native) => vcpu.portAccess(native, "out")),
  vmcall: hypercall,
  vmmcall: hypercall,

  cpuid(vcpu, rule, backend) {
    const leaf = vcpu.state.get32(RAX);
    if (rule.do === "exit") vcpu.kernelExit(rule.reason, leaf);
    const vendor = backend.name === "svm" ? "AuthenticAMD" : "GenuineIntel";
    const answer = cpuid(vendor, vcpu.board.isa.name === "x86-64", leaf);
    [RAX, RBX, RCX, RDX].forEach((slot, i) => vcpu.state.set64(slot, BigInt(answer[i] >>> 0)));
    return STATUS.proceed;
  },

  rdtsc: clock,
  rdtscp: clock,

  hlt(vcpu, rule) {
    if (rule.do === "exit") vcpu.kernelExit(rule.reason, 0);
    return vcpu.stopDone({ reason: "HLT", message: "the guest halted, and no interrupt can wake it" });
  },

  exception: (vcpu, rule) => raise(vcpu, rule, vcpu.argument(0), VECTORS[vcpu.argument(0)] ?? "exception"),

  // Caches and translations that the machine does not have.
  invd: completed,
  wbinvd: completed,
  invlpg: completed,

  ...Object.fromEntries(
    [
      "interrupt",
      "iret",
      "far_jump",
      "far_call",
      "far_return",
      "load_segment",
      "mov_to_cr",
      "mov_from_cr",
      "mov_to_dr",
      "mov_from_dr",
      "lgdt",
      "lidt",
      "sgdt",
      "sidt",
      "lldt",
      "ltr",
      "sldt",
      "str",
      "lmsw",
      "clts",
      "rdmsr",
      "wrmsr",
      "swapgs",
    ].map((name) => [name, missing(name.replaceAll("_", " "))]),
  ),
};

function clock(vcpu: Vcpu, rule: TrapRule): Status {
  if (rule.do === "exit") vcpu.kernelExit(rule.reason, 0);
  vcpu.board.exits.markClockRead();
  // One tick of the TSC is one cycle of the profile.
  vcpu.answer(BigInt(vcpu.cycles));
  return STATUS.proceed;
}

function completed(vcpu: Vcpu, rule: TrapRule): Status {
  if (rule.do === "exit") vcpu.kernelExit(rule.reason, 0);
  return STATUS.proceed;
}

/** An instruction that only the decoder knows so far. */
function missing(what: string): ArchTrap {
  return (vcpu) => vcpu.stopAnew(unimplemented(vcpu.offender, what));
}

/** Mnemonics of the vectors that this version's instructions raise. SDM vol. 3A, table 6-1. */
const VECTORS: Readonly<Record<number, string>> = {
  0: "#DE",
  1: "#DB",
  3: "#BP",
  4: "#OF",
  5: "#BR",
  6: "#UD",
  7: "#NM",
  12: "#SS",
  13: "#GP",
};

function hypercall(vcpu: Vcpu, rule: TrapRule): Status {
  if (rule.do === "exception") return raise(vcpu, rule, rule.vector, rule.name, rule.why);
  return exits(vcpu, rule, (native) =>
    vcpu.hypercall(native, vcpu.state.get32(RAX), () => {
      const wide = vcpu.board.isa.name === "x86-64";
      vcpu.state.set64(RAX, BigInt.asUintN(wide ? 64 : 32, BigInt(-KVM_ENOSYS)));
    }));
}

function exits(
  vcpu: Vcpu,
  rule: TrapRule,
  f: (native: Extract<TrapRule, { do: "exit" }>["reason"]) => Status,
): Status {
  if (rule.do === "exit") return f(rule.reason);
  throw new TypeError(
    `backend ${vcpu.board.backend.name} lets an instruction through that only a hypervisor can answer`,
  );
}

/**
 * Exceptions are counted where the hypervisor intercepts them. Real mode delivers them through its table; delivering
 * one through the IDT is not implemented.
 */
function raise(vcpu: Vcpu, rule: TrapRule, vector: number, name: string, why?: string): Status {
  const intercepts = vcpu.board.backend.reasons.find((reason) => reason.keySpace === "vector");
  if (vector === 6 && intercepts) vcpu.kernelExit(intercepts, vector);
  if (vcpu.board.isa.name === "x86-16") return raiseInRealMode(vcpu, vector, name);
  const because = why ?? (rule.do === "exception" ? rule.why : undefined);
  const what = `exception ${vector} (${name})`;
  const sentence = `${what}${because ? `: ${because}` : ""}; delivery through the IDT is not implemented`;
  return vcpu.stopAnew(unimplemented(vcpu.offender, `delivery of ${what}`, sentence));
}
