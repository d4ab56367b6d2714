/** KVM on AMD-V: what each x86 trap becomes. APM vol. 2, appendix C ("SVM intercept exit codes"). */
import type { Backend } from "../engine/backend.ts";
import type { NativeReason } from "../engine/native_reason.ts";
import { GUESTS_OWN } from "./guests_own.ts";

const SOURCE = "APM vol. 2, appendix C";

/** VMEXIT_EXCP0 + vector is 0x40 to 0x5f: the code is that of vector 0. */
const EXCEPTION: NativeReason = {
  id: 0,
  reason: "EXCEPTION",
  name: "EXCP",
  code: 0x40,
  keySpace: "vector",
  source: SOURCE,
};
const CPUID: NativeReason = {
  id: 1,
  reason: "CPUID",
  name: "CPUID",
  code: 0x72,
  keySpace: "leaf",
  source: SOURCE,
};
const HLT: NativeReason = { id: 2, reason: "HLT", name: "HLT", code: 0x78, keySpace: "none", source: SOURCE };
const IOIO: NativeReason = {
  id: 3,
  reason: "IO",
  name: "IOIO",
  code: 0x7b,
  keySpace: "port",
  source: SOURCE,
};
const VMMCALL: NativeReason = {
  id: 4,
  reason: "HYPERCALL",
  name: "VMMCALL",
  code: 0x81,
  keySpace: "hypercall",
  source: SOURCE,
};
const NPF: NativeReason = {
  id: 5,
  reason: "MMIO",
  name: "NPF",
  code: 0x400,
  keySpace: "gpa",
  source: SOURCE,
};

/** VMEXIT_CR0_WRITE + n is 0x10 to 0x1f: the code is that of CR0. */
const CR0_WRITE: NativeReason = {
  id: 6,
  reason: "INSTRUCTION",
  name: "CR0_WRITE",
  code: 0x10,
  keySpace: "none",
  source: SOURCE,
};
/** VMEXIT_DR0_READ + n and VMEXIT_DR0_WRITE + n: the codes are those of DR0. */
const DR0_READ: NativeReason = {
  id: 7,
  reason: "INSTRUCTION",
  name: "DR0_READ",
  code: 0x20,
  keySpace: "none",
  source: SOURCE,
};
const DR0_WRITE: NativeReason = {
  id: 8,
  reason: "INSTRUCTION",
  name: "DR0_WRITE",
  code: 0x30,
  keySpace: "none",
  source: SOURCE,
};
const INVD: NativeReason = {
  id: 9,
  reason: "INSTRUCTION",
  name: "INVD",
  code: 0x76,
  keySpace: "none",
  source: SOURCE,
};
const MSR: NativeReason = {
  id: 10,
  reason: "MSR",
  name: "MSR",
  code: 0x7c,
  keySpace: "msr",
  source: SOURCE,
};
const WBINVD: NativeReason = {
  id: 11,
  reason: "INSTRUCTION",
  name: "WBINVD",
  code: 0x89,
  keySpace: "none",
  source: SOURCE,
};
const INTR: NativeReason = {
  id: 14,
  reason: "INTERRUPT",
  name: "INTR",
  code: 0x60,
  keySpace: "none",
  source: SOURCE,
};
const VINTR: NativeReason = {
  id: 15,
  reason: "INTERRUPT_WINDOW",
  name: "VINTR",
  code: 0x64,
  keySpace: "none",
  source: SOURCE,
};

const SHUTDOWN: NativeReason = {
  id: 12,
  reason: "SHUTDOWN",
  name: "SHUTDOWN",
  code: 0x7f,
  keySpace: "none",
  source: SOURCE,
};
/** VMEXIT_CR0_WRITE + 4. */
const CR4_WRITE: NativeReason = { ...CR0_WRITE, id: 13, name: "CR4_WRITE", code: 0x14 };

export const svm: Backend = {
  name: "svm",
  arch: "x86",
  title: "KVM on AMD-V",
  modes: [16, 32, 64],
  reasons: [
    EXCEPTION,
    CPUID,
    HLT,
    IOIO,
    VMMCALL,
    NPF,
    CR0_WRITE,
    DR0_READ,
    DR0_WRITE,
    INVD,
    MSR,
    WBINVD,
    SHUTDOWN,
    CR4_WRITE,
    INTR,
    VINTR,
  ],
  traps: {
    in: { do: "exit", reason: IOIO },
    out: { do: "exit", reason: IOIO },
    ins: { do: "exit", reason: IOIO },
    outs: { do: "exit", reason: IOIO },
    vmcall: {
      do: "exception",
      vector: 6,
      name: "#UD",
      why: "VMCALL is Intel's: on AMD-V it is an invalid opcode, use VMMCALL",
    },
    vmmcall: { do: "exit", reason: VMMCALL },
    cpuid: { do: "exit", reason: CPUID },
    // KVM does not intercept RDTSC: the hardware adds the TSC offset.
    rdtsc: { do: "native" },
    hlt: { do: "exit", reason: HLT },
    exception: { do: "exit", reason: EXCEPTION },
    ...GUESTS_OWN,
    // With nested paging the guest owns its translation (INVLPG, CR3), and CR0.TS.
    invlpg: { do: "native" },
    mov_to_cr: { do: "exit", reason: CR0_WRITE },
    lmsw: { do: "exit", reason: CR0_WRITE },
    mov_to_dr: { do: "exit", reason: DR0_WRITE },
    mov_from_dr: { do: "exit", reason: DR0_READ },
    rdmsr: { do: "exit", reason: MSR },
    wrmsr: { do: "exit", reason: MSR },
    invd: { do: "exit", reason: INVD },
    wbinvd: { do: "exit", reason: WBINVD },
  },
  interrupts: { line: INTR, timer: INTR, window: VINTR },
  // npf_interception asks the fast bus when the entry is a cached MMIO one, with a reserved bit set (Linux, 2025).
  mmio: { first: NPF, later: NPF, fast: "later" },
};
