/** KVM on AMD-V: what each x86 trap becomes. APM vol. 2, appendix C ("SVM intercept exit codes"). */
import type { Backend } from "../engine/backend.ts";
import type { NativeReason } from "../engine/native_reason.ts";

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

export const svm: Backend = {
  name: "svm",
  arch: "x86",
  title: "KVM on AMD-V",
  modes: [16, 32, 64],
  reasons: [EXCEPTION, CPUID, HLT, IOIO, VMMCALL, NPF],
  traps: {
    in: { do: "exit", reason: IOIO },
    out: { do: "exit", reason: IOIO },
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
  },
  mmio: { first: NPF, later: NPF },
};
