/** Nobody: a virtual machine whose hypervisor does not show itself and takes no calls. */
import { invalid } from "../x86/hypercall.ts";
import { type Personality, X86_MODES } from "./hypervisor.ts";

export const none: Personality = {
  name: "none",
  title: "no hypervisor interface",
  discovery: "none: CPUID leaf 1 has bit 31 clear, the device tree no /hypervisor",
  carriers: { ...X86_MODES, "kvm-hv": [64], "kvm-pr": [32, 64] },
  abi: () => "the hypervisor offers its guest no hypercalls",
  // The instruction leaves the guest all the same, and comes back as #UD.
  call: (vcpu, exit) => invalid(vcpu, exit, 0, "the hypervisor offers its guest no hypercalls"),
  tree: () => [],
};
