/**
 * KVM on VT-x: what each x86 trap becomes. Exit reason numbers: SDM vol. 3D, appendix C ("VMX basic exit
 * reasons"); which instructions exit: SDM vol. 3C, "VMX
 * Non-Root Operation".
 */
import type { Backend } from "../engine/backend.ts";
import type { NativeReason } from "../engine/native_reason.ts";
import { GUESTS_OWN } from "./guests_own.ts";

const SOURCE = "SDM vol. 3D, appendix C";

const EXCEPTION: NativeReason = {
  id: 0,
  reason: "EXCEPTION",
  name: "EXCEPTION_NMI",
  code: 0,
  keySpace: "vector",
  source: SOURCE,
};
const CPUID: NativeReason = {
  id: 1,
  reason: "CPUID",
  name: "CPUID",
  code: 10,
  keySpace: "leaf",
  source: SOURCE,
};
const HLT: NativeReason = { id: 2, reason: "HLT", name: "HLT", code: 12, keySpace: "none", source: SOURCE };
const VMCALL: NativeReason = {
  id: 3,
  reason: "HYPERCALL",
  name: "VMCALL",
  code: 18,
  keySpace: "hypercall",
  source: SOURCE,
};
const IO: NativeReason = {
  id: 4,
  reason: "IO",
  name: "IO_INSTRUCTION",
  code: 30,
  keySpace: "port",
  source: SOURCE,
};
const EPT_VIOLATION: NativeReason = {
  id: 5,
  reason: "MMIO",
  name: "EPT_VIOLATION",
  code: 48,
  keySpace: "gpa",
  source: SOURCE,
};
const EPT_MISCONFIG: NativeReason = {
  id: 6,
  reason: "MMIO",
  name: "EPT_MISCONFIG",
  code: 49,
  keySpace: "gpa",
  source: SOURCE,
};
const INVD: NativeReason = {
  id: 7,
  reason: "INSTRUCTION",
  name: "INVD",
  code: 13,
  keySpace: "none",
  source: SOURCE,
};
const CR_ACCESS: NativeReason = {
  id: 8,
  reason: "INSTRUCTION",
  name: "CR_ACCESS",
  code: 28,
  keySpace: "none",
  source: SOURCE,
};
const DR_ACCESS: NativeReason = {
  id: 9,
  reason: "INSTRUCTION",
  name: "DR_ACCESS",
  code: 29,
  keySpace: "none",
  source: SOURCE,
};
const MSR_READ: NativeReason = {
  id: 10,
  reason: "MSR",
  name: "MSR_READ",
  code: 31,
  keySpace: "msr",
  source: SOURCE,
};
const MSR_WRITE: NativeReason = {
  id: 11,
  reason: "MSR",
  name: "MSR_WRITE",
  code: 32,
  keySpace: "msr",
  source: SOURCE,
};
const WBINVD: NativeReason = {
  id: 12,
  reason: "INSTRUCTION",
  name: "WBINVD",
  code: 54,
  keySpace: "none",
  source: SOURCE,
};
const TRIPLE_FAULT: NativeReason = {
  id: 13,
  reason: "SHUTDOWN",
  name: "TRIPLE_FAULT",
  code: 2,
  keySpace: "none",
  source: SOURCE,
};
const EXTERNAL_INTERRUPT: NativeReason = {
  id: 14,
  reason: "INTERRUPT",
  name: "EXTERNAL_INTERRUPT",
  code: 1,
  keySpace: "none",
  source: SOURCE,
};
const INTERRUPT_WINDOW: NativeReason = {
  id: 15,
  reason: "INTERRUPT_WINDOW",
  name: "INTERRUPT_WINDOW",
  code: 7,
  keySpace: "none",
  source: SOURCE,
};

export const vmx: Backend = {
  name: "vmx",
  arch: "x86",
  title: "KVM on Intel VT-x",
  modes: [16, 32, 64],
  reasons: [
    EXCEPTION,
    CPUID,
    HLT,
    VMCALL,
    IO,
    EPT_VIOLATION,
    EPT_MISCONFIG,
    INVD,
    CR_ACCESS,
    DR_ACCESS,
    MSR_READ,
    MSR_WRITE,
    WBINVD,
    TRIPLE_FAULT,
    EXTERNAL_INTERRUPT,
    INTERRUPT_WINDOW,
  ],
  traps: {
    in: { do: "exit", reason: IO },
    out: { do: "exit", reason: IO },
    ins: { do: "exit", reason: IO },
    outs: { do: "exit", reason: IO },
    vmcall: { do: "exit", reason: VMCALL },
    vmmcall: {
      do: "exception",
      vector: 6,
      name: "#UD",
      why: "VMMCALL is AMD's: on VT-x it is an invalid opcode, use VMCALL",
    },
    cpuid: { do: "exit", reason: CPUID },
    // KVM leaves RDTSC exiting off and lets the hardware add the TSC offset.
    rdtsc: { do: "native" },
    hlt: { do: "exit", reason: HLT },
    exception: { do: "exit", reason: EXCEPTION },
    ...GUESTS_OWN,
    // With EPT the guest owns its translation (INVLPG, CR3), and CR0.TS; other bits of CR0 and CR4 are KVM's.
    invlpg: { do: "native" },
    mov_to_cr: { do: "exit", reason: CR_ACCESS },
    lmsw: { do: "exit", reason: CR_ACCESS },
    mov_to_dr: { do: "exit", reason: DR_ACCESS },
    mov_from_dr: { do: "exit", reason: DR_ACCESS },
    rdmsr: { do: "exit", reason: MSR_READ },
    wrmsr: { do: "exit", reason: MSR_WRITE },
    invd: { do: "exit", reason: INVD },
    wbinvd: { do: "exit", reason: WBINVD },
  },
  interrupts: { line: EXTERNAL_INTERRUPT, timer: EXTERNAL_INTERRUPT, window: INTERRUPT_WINDOW },
  // KVM caches an MMIO page as a misconfigured entry when the first access has shown it to be one.
  // handle_ept_misconfig asks the fast bus (Linux 3.15); kvm_mmu_page_fault, for the violation, does not.
  mmio: { first: EPT_VIOLATION, later: EPT_MISCONFIG, fast: "later" },
};
