/** How a hypervisor names one of its exits. */

/** What an exit's key counts. */
export type KeySpace = "port" | "gpa" | "hypercall" | "leaf" | "msr" | "vector" | "spr" | "none";

/** Which way data went, as the guest sees it. */
export type Direction = "in" | "out" | "none";

/** Who completes the access: the kernel half of the hypervisor, or its userspace half. */
export type HandledIn = "kernel" | "userspace";

/** One exit reason of a backend. */
export interface NativeReason {
  /** Position in the backend's `reasons`. */
  readonly id: number;
  /** The canonical name: KVM's user API where it has one (`IO`, `MMIO`, `HYPERCALL` ...). */
  readonly reason: string;
  /** The backend's own name, e.g. `IO_INSTRUCTION`. */
  readonly name: string;
  /** The backend's own number: VMX basic exit reason, SVM exit code, PowerPC vector. */
  readonly code: number;
  /** What the key of such an exit counts. */
  readonly keySpace: KeySpace;
  /** Manual section or kernel file that gives name and number. */
  readonly source: string;
}

/** Makes the reasons that one source gives, a row each. */
export function reasonsOf(source: string) {
  return (id: number, reason: string, name: string, code: number, keySpace: KeySpace): NativeReason => (
    { id, reason, name, code, keySpace, source }
  );
}
