/** The machines that tables compare, by backend. */
import type { VmOptions } from "../../mod.ts";

export const VMX: VmOptions = { arch: "x86", mode: 64, backend: "vmx" };
export const SVM: VmOptions = { arch: "x86", mode: 64, backend: "svm" };
/** PowerPC 64 under KVM HV. */
export const HV: VmOptions = { arch: "ppc", mode: 64, backend: "kvm-hv" };
/** PowerPC 32 under KVM PR. */
export const PR: VmOptions = { arch: "ppc", mode: 32, backend: "kvm-pr" };

/** A machine with its name in a table. */
export interface Machine {
  readonly name: string;
  readonly options: VmOptions;
}

export const MACHINES: readonly Machine[] = [
  { name: "x86 vmx", options: VMX },
  { name: "x86 svm", options: SVM },
  { name: "ppc32", options: PR },
  { name: "ppc64", options: HV },
];
