/** The hypervisors' names, for grammars: read before the emulator is loaded. A test holds them against the records. */

export const HYPERVISOR_NAMES = ["kvm", "xen", "hyperv", "vmware", "epapr", "papr", "osi", "none"] as const;
/** What may become of the other vendor's hypercall instruction. */
export const HYPERVISOR_POLICIES = ["patch", "emulate", "reject"] as const;
