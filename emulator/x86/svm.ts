/** KVM on AMD-V: what each x86 trap becomes. APM vol. 2, appendix C ("SVM intercept exit codes"). */
import type { Backend } from "../engine/backend.ts";
import { type NativeReason, reasonsOf } from "../engine/native_reason.ts";
import { GUESTS_OWN } from "./guests_own.ts";

const reason = reasonsOf("APM vol. 2, appendix C");

/** VMEXIT_EXCP0 + vector is 0x40 to 0x5f: the code is that of vector 0. */
const EXCEPTION = reason(0, "EXCEPTION", "EXCP", 0x40, "vector");
const CPUID = reason(1, "CPUID", "CPUID", 0x72, "leaf");
const HLT = reason(2, "HLT", "HLT", 0x78, "none");
const IOIO = reason(3, "IO", "IOIO", 0x7b, "port");
const VMMCALL = reason(4, "HYPERCALL", "VMMCALL", 0x81, "hypercall");
const NPF = reason(5, "MMIO", "NPF", 0x400, "gpa");

/** VMEXIT_CR0_WRITE + n is 0x10 to 0x1f: the code is that of CR0. */
const CR0_WRITE = reason(6, "INSTRUCTION", "CR0_WRITE", 0x10, "none");
/** VMEXIT_DR0_READ + n and VMEXIT_DR0_WRITE + n: the codes are those of DR0. */
const DR0_READ = reason(7, "INSTRUCTION", "DR0_READ", 0x20, "none");
const DR0_WRITE = reason(8, "INSTRUCTION", "DR0_WRITE", 0x30, "none");
const INVD = reason(9, "INSTRUCTION", "INVD", 0x76, "none");
const MSR = reason(10, "MSR", "MSR", 0x7c, "msr");
const WBINVD = reason(11, "INSTRUCTION", "WBINVD", 0x89, "none");
const INTR = reason(14, "INTERRUPT", "INTR", 0x60, "none");
const VINTR = reason(15, "INTERRUPT_WINDOW", "VINTR", 0x64, "none");

const SHUTDOWN = reason(12, "SHUTDOWN", "SHUTDOWN", 0x7f, "none");
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
