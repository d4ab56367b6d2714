/** Where the claims are looked at: architectures under their hypervisors, vehicles, and who completes a call. */
import type { HandledIn, HypervisorName, VehicleName, VmOptions } from "../../mod.ts";

/** A guest's host, with its name in the tables. */
export interface Host {
  readonly name: string;
  readonly options: VmOptions & { readonly hypervisor: HypervisorName };
}

export const x86 = (backend: string, hypervisor: HypervisorName): Host => ({
  name: `x86 ${backend} ${hypervisor}`,
  options: { arch: "x86", mode: 64, backend, hypervisor },
});
const ppc = (mode: 32 | 64, backend: string, hypervisor: HypervisorName): Host => ({
  name: `ppc${mode} ${backend} ${hypervisor}`,
  options: { arch: "ppc", mode, backend, hypervisor },
});

export const VMX = x86("vmx", "kvm"), HV = ppc(64, "kvm-hv", "papr"), PR = ppc(32, "kvm-pr", "epapr");
export const HOSTS: readonly Host[] = [
  VMX,
  x86("svm", "kvm"),
  x86("vmx", "xen"),
  x86("vmx", "hyperv"),
  x86("vmx", "vmware"),
  HV,
  ppc(64, "kvm-pr", "papr"),
  PR,
  ppc(32, "kvm-pr", "osi"),
];

export const VEHICLES: readonly VehicleName[] = ["hypercall", "pio", "mmio"];
export const PLACES: readonly HandledIn[] = ["kernel", "userspace"];
export const STAGES = ["worldSwitch", "dispatch", "decode", "userspace", "device"] as const;
