/** What a hypervisor does with each thing that a guest may do: the table that a backend is. */
import type { NativeReason } from "./native_reason.ts";

/** What becomes of a trap. */
export type TrapRule =
  /** It leaves the guest, under this name. */
  | { readonly do: "exit"; readonly reason: NativeReason }
  /** The hardware completes it in the guest. */
  | { readonly do: "native" }
  /** The guest gets an exception: `why` says what this backend does not accept. */
  | { readonly do: "exception"; readonly vector: number; readonly name: string; readonly why: string };

/** A hypervisor on one kind of hardware: names, numbers and rules of its exits. */
export interface Backend {
  /** As `VmOptions.backend` takes it. */
  readonly name: "vmx" | "svm" | "kvm-hv" | "kvm-pr";
  /** The architecture it virtualizes. */
  readonly arch: "x86" | "ppc";
  /** For people, e.g. `"KVM on Intel VT-x"`. */
  readonly title: string;
  /** Guest modes it can run, by width. */
  readonly modes: readonly (16 | 32 | 64)[];
  /** Every exit reason it can give, by `id`. */
  readonly reasons: readonly NativeReason[];
  /** By trap name of the ISA; every trap has a rule. */
  readonly traps: Readonly<Record<string, TrapRule>>;
  /**
   * Exits around interrupts: a host's interrupt that kicks the running guest for a line raised from outside or for its
   * timer, and the window that opens when a waiting one is enabled. What is left out takes no exit. `host` is the host's
   * own timer, where that has a name of its own.
   */
  readonly interrupts: {
    readonly line: NativeReason;
    readonly timer?: NativeReason;
    readonly window?: NativeReason;
    readonly host?: NativeReason;
  };
  /** An access to a guest-physical address without memory: the first one to a page, and later ones. */
  readonly mmio: {
    readonly first: NativeReason;
    readonly later: NativeReason;
    /** Stores to which a match by address alone is found before the instruction is decoded: KVM's fast MMIO bus. */
    readonly fast: "every" | "later" | "none";
  };
}
