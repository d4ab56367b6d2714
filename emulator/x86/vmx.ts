/**
 * KVM on VT-x: what each x86 trap becomes. Exit reason numbers: SDM vol. 3D, appendix C ("VMX basic exit
 * reasons"); which instructions exit: SDM vol. 3C, "VMX
 * Non-Root Operation".
 */
import type { Backend } from "../engine/backend.ts";
import { reasonsOf } from "../engine/native_reason.ts";
import { GUESTS_OWN } from "./guests_own.ts";

const reason = reasonsOf("SDM vol. 3D, appendix C");

const EXCEPTION = reason(0, "EXCEPTION", "EXCEPTION_NMI", 0, "vector");
const CPUID = reason(1, "CPUID", "CPUID", 10, "leaf");
const HLT = reason(2, "HLT", "HLT", 12, "none");
const VMCALL = reason(3, "HYPERCALL", "VMCALL", 18, "hypercall");
const IO = reason(4, "IO", "IO_INSTRUCTION", 30, "port");
const EPT_VIOLATION = reason(5, "MMIO", "EPT_VIOLATION", 48, "gpa");
const EPT_MISCONFIG = reason(6, "MMIO", "EPT_MISCONFIG", 49, "gpa");
const INVD = reason(7, "INSTRUCTION", "INVD", 13, "none");
const CR_ACCESS = reason(8, "INSTRUCTION", "CR_ACCESS", 28, "none");
const DR_ACCESS = reason(9, "INSTRUCTION", "DR_ACCESS", 29, "none");
const MSR_READ = reason(10, "MSR", "MSR_READ", 31, "msr");
const MSR_WRITE = reason(11, "MSR", "MSR_WRITE", 32, "msr");
const WBINVD = reason(12, "INSTRUCTION", "WBINVD", 54, "none");
const TRIPLE_FAULT = reason(13, "SHUTDOWN", "TRIPLE_FAULT", 2, "none");
const EXTERNAL_INTERRUPT = reason(14, "INTERRUPT", "EXTERNAL_INTERRUPT", 1, "none");
const INTERRUPT_WINDOW = reason(15, "INTERRUPT_WINDOW", "INTERRUPT_WINDOW", 7, "none");

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
