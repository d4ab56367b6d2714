/** A device's call as each hypervisor numbers it. */
import type { HypervisorName } from "../../mod.ts";

export const XEN_CALL = 0x70, KVM_CALL = 0x5453_0004, HYPERV_CALL = 0x7f01, VMWARE_CALL = 0x5401;

/** By hypervisor, the number of the call, and the registers of its argument, its status and its answer, which Hyper-V has none for. */
export const CALLS: Readonly<
  Partial<
    Record<HypervisorName, readonly [number: number, argument: string, status: string, answer: string]>
  >
> = {
  kvm: [KVM_CALL, "rbx", "rax", "rcx"],
  xen: [XEN_CALL, "rdi", "rax", "rsi"],
  hyperv: [HYPERV_CALL, "rdx", "rax", ""],
  vmware: [VMWARE_CALL, "rbx", "rax", "rbx"],
  epapr: [KVM_CALL, "r3", "r3", "r5"],
  papr: [KVM_CALL, "r4", "r3", "r5"],
};
