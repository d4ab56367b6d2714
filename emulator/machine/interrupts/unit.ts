/** What an architecture has of interrupts: controller, timer, and the way into the guest's handler. */
import type { NativeReason } from "../../engine/native_reason.ts";
import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";

/** Everything here is a function of virtual time and of the accesses made; nothing waits. */
export interface InterruptUnit {
  /** Interrupt lines that a device may drive: 0 to `lines` - 1. */
  readonly lines: number;
  /** Drives a line; true is active. */
  setLine(line: number, level: boolean): void;
  /** The controller, or a timer of the processor, asks the processor for an interrupt. */
  readonly asserted: boolean;
  /** The processor would take one now (IF, MSR[EE]). */
  readonly enabled: boolean;
  /** Whether the guest can enable interrupts without an exit or a trap: it then has to be looked at each instruction. */
  readonly polled: boolean;
  /** Lets the timers do what is due by now. */
  advance(): void;
  /** Virtual time in cycles at which a timer next asks for an interrupt, `Infinity` if none is armed. */
  readonly deadline: number;
  /** Whether what comes at the deadline would get through to the processor as the controller stands. */
  readonly deadlineWakes: boolean;
  /** Whether the instruction at this address, executed, holds interrupts off for one more (STI, MOV SS). */
  castsShadow(address: bigint, wasEnabled: boolean): boolean;
  /** Enters the guest's handler. False if that ended the run. */
  deliver(): boolean;
  /** Enters the guest's handler of a non-maskable interrupt (PowerPC: system reset). False if that ended the run. */
  deliverNmi(): boolean;
  /** Whether the instruction at this address ends such a handler: until then none comes; undefined where one may come at any time. */
  endsNmi?(address: bigint): boolean;
  /** The exit that an event makes that comes while the guest runs: from outside, from the timer; none if undefined. */
  readonly exits: {
    readonly line?: NativeReason;
    readonly timer?: NativeReason;
    readonly window?: NativeReason;
  };
  /** A timer register of the processor was written; `advance` came before. */
  retime?(): void;
  /** Back to the state after power-on. */
  reset(): void;
  /** All of its state, for a snapshot; what several units share is the first one's. */
  save(): SavedState;
  /** Puts back what `save` gave. Throws `SyntaxError` for what is none. */
  load(saved: SavedFields): void;
}
