/** Why a run came back: the documented union that `vm.run()` and `vm.step()` give. */

/** What every stop has. */
export interface Stopped {
  /** Where the program counter stands (what is executed next). */
  readonly pc: bigint;
  /** One line for people. */
  readonly message: string;
  /** Index of the vCPU that stopped, or that executed last. */
  readonly vcpu: number;
}

/** Named after KVM's exit reasons to userspace (Documentation/virt/kvm/api.rst, 5.) where it has one. */
export type Stop =
  & Stopped
  & (
    /** The guest halted and nothing can wake it. pc stands after the instruction. */
    | { readonly reason: "HLT" }
    /** The guest asked for the end, or cannot go on by the architecture's rules. */
    | { readonly reason: "SHUTDOWN" }
    /** A breakpoint (whose number is given), or a single step. */
    | { readonly reason: "DEBUG"; readonly breakpoint?: number }
    /** The address given as `until`. */
    | { readonly reason: "UNTIL" }
    /** The instructions asked for were executed. */
    | { readonly reason: "BUDGET" }
    /** The caller's signal. */
    | { readonly reason: "INTERRUPTED" }
    /** The guest needs what this version does not have: never guessed, always said. */
    | {
      readonly reason: "UNIMPLEMENTED";
      /** Of the instruction, as far as they are known. */
      readonly bytes: Uint8Array;
      /** Name of the ISA, e.g. `"x86-64"`. */
      readonly mode: string;
      /** The missing thing alone; the message has bytes, address and mode beside it. */
      readonly what: string;
    }
    /** The guest did what no hypervisor can go on from, e.g. a fetch where there is no memory. */
    | { readonly reason: "INTERNAL_ERROR"; readonly address?: bigint }
    /** A device's handler threw, or answered what is no answer. The access is not completed. */
    | { readonly reason: "DEVICE_ERROR"; readonly device: string; readonly error: unknown }
    /** A device ended the run, with a code. */
    | { readonly reason: "SYSTEM_EVENT"; readonly code: number }
  );

/** A stop without the parts that every stop has. */
export type StopDetail = Stop extends infer S
  ? S extends Stop ? Omit<S, "pc" | "message" | "vcpu"> & { message: string } : never
  : never;
