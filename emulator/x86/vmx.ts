/**
 * KVM on VT-x: what each x86 trap becomes. Exit reason numbers: SDM vol. 3D, appendix C ("VMX basic exit
 * reasons"); which instructions exit: SDM vol. 3C, "VMX
 * Non-Root Operation".
 */
import type { Backend } from "../engine/backend.ts";
import type { NativeReason } from "../engine/native_reason.ts";

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

export const vmx: Backend = {
  name: "vmx",
  arch: "x86",
  title: "KVM on Intel VT-x",
  modes: [16, 32, 64],
  reasons: [EXCEPTION, CPUID, HLT, VMCALL, IO, EPT_VIOLATION, EPT_MISCONFIG],
  traps: {
    in: { do: "exit", reason: IO },
    out: { do: "exit", reason: IO },
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
  },
  // KVM caches an MMIO page as a misconfigured entry when the first access has shown it to be one.
  mmio: { first: EPT_VIOLATION, later: EPT_MISCONFIG },
};
