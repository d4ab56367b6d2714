/** Why a run came back: the documented union that `vm.run()` and `vm.step()` give. */

import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { CatchHit, WatchHit } from "./debug/debug_unit.ts";

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
    /** A breakpoint (whose number is given), a watchpoint or a catchpoint (what it met is given), or a single step. */
    | {
      readonly reason: "DEBUG";
      readonly breakpoint?: number;
      readonly watchpoint?: WatchHit;
      readonly catchpoint?: CatchHit;
    }
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

// deno-fmt-ignore
const REASONS = [
  "HLT", "SHUTDOWN", "DEBUG", "UNTIL", "BUDGET", "INTERRUPTED", "UNIMPLEMENTED", "INTERNAL_ERROR", "DEVICE_ERROR",
  "SYSTEM_EVENT",
] as const;

/** A stop as plain data: of what a device threw, only its text. */
export function saveStop(stop: StopDetail): SavedState {
  if (stop.reason !== "DEVICE_ERROR") return { ...stop } as SavedState;
  const { reason, message, device, error } = stop;
  return { reason, message, device, error: error instanceof Error ? error.message : String(error) };
}

/** The stop of `saveStop`. Throws `SyntaxError` for what is none. */
export function loadStop(saved: SavedFields): StopDetail {
  const reason = saved.oneOf("reason", REASONS), message = saved.text("message");
  switch (reason) {
    case "DEBUG":
      return { reason, message, ...saved.has("breakpoint") && { breakpoint: saved.whole("breakpoint") } };
    case "UNIMPLEMENTED": {
      const bytes = saved.bytes("bytes").slice();
      return { reason, message, bytes, mode: saved.text("mode"), what: saved.text("what") };
    }
    case "INTERNAL_ERROR":
      return { reason, message, ...saved.has("address") && { address: saved.unsigned("address") } };
    case "DEVICE_ERROR":
      return { reason, message, device: saved.text("device"), error: new Error(saved.text("error")) };
    case "SYSTEM_EVENT":
      // Whatever the device said.
      return { reason, message, code: Number(saved.raw("code")) };
    default:
      return { reason, message };
  }
}
