/** Canonical exit reasons: the names that people see, whatever backend runs the guest. */

/**
 * What left the guest. Where KVM's user API has a name (`KVM_EXIT_IO` in `linux/kvm.h`) it is used without its
 * prefix; the others are exits that KVM completes in the kernel and so does not name there.
 */
export const EXIT_REASONS = {
  IO: "port input or output",
  MMIO: "access to a guest-physical address without memory",
  HYPERCALL: "hypercall instruction",
  PAPR_HCALL: "hypercall of a pseries guest (sc 1)",
  OSI: "Mac-on-Linux OSI call",
  EPR: "read of the external proxy register",
  HLT: "halt, or an idle hypercall",
  CPUID: "CPU identification",
  MSR: "read or write of a model-specific register",
  SPR: "read or write of a special-purpose register that is not the guest's own",
  EXCEPTION: "exception that the hypervisor takes before the guest does",
  INSTRUCTION: "privileged or other instruction that the hypervisor emulates",
  INTERRUPT: "interrupt of the host, or its timer",
  INTERRUPT_WINDOW: "the guest enabled interrupts while one waited",
  SYSCALL: "system call that the hypervisor hands to its guest",
  DEBUG: "breakpoint or single step",
  SHUTDOWN: "triple fault or the like",
  SYSTEM_EVENT: "the guest asked for reset or power off",
  INTERNAL_ERROR: "the hypervisor cannot go on",
} as const;

/** A canonical exit reason. A backend may have others: a profile prices these as its `default`. */
export type ExitReason = keyof typeof EXIT_REASONS;
