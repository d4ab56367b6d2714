/**
 * What an architecture knows of a vCPU beside its traps: which instruction set its state asks for, how addresses are
 * translated, and what it does with bytes that are no instruction.
 */
import type { Status } from "../engine/host.ts";
import type { MappingList, PageWalk, WalkQuestion } from "./debug/page_walk.ts";
import type { Isa } from "../isa/isa.ts";

/** Why memory is reached. */
export const REACH = { load: 0, store: 1, fetch: 2 } as const;
export type Reach = (typeof REACH)[keyof typeof REACH];

/**
 * From the addresses of instructions (x86: linear, PowerPC: effective) to guest-physical ones. What it answers holds
 * until the guest's tables or what they depend on change: it tells `CodePath.watchTable` of each table that it reads, so
 * that a write to one makes it be asked anew, and whoever changes a register that it reads calls
 * `Vcpu.translationChanged`. There is no translation that has gone stale: flushing is never visible to the guest.
 */
export interface Translation {
  /** Whether such accesses are translated now; else the address is guest-physical. */
  active(reach: Reach): boolean;
  /** Whether any address may come to another one now: while none does, nothing that was found out gets lost. */
  readonly maps: boolean;
  /**
   * Guest-physical address of the byte at an address, given as two halves of 32 bits, or -1 if it may not be reached so:
   * `Processor.raise` then raises what it was. Sets accessed and dirty bits.
   */
  translate(low: number, high: number, reach: Reach): number;
  /**
   * Where an access would go (a load if not given), without any effect, whatever the privilege; -1 for nowhere. For people
   * who look at memory.
   */
  look(low: number, high: number, reach?: Reach): number;
  /** The way of an address for people, without an effect. */
  explain(address: bigint, question: WalkQuestion): PageWalk;
  /** Pages and blocks that are mapped, by address, so many at most. */
  mappings(most: number): MappingList;
  /** Of the page of the last `translate` that succeeded: whether stores need not ask any more. */
  readonly storable: boolean;
}

export interface Processor {
  /** The instruction set for what the state says now. */
  isa(): Isa;
  readonly translation?: Translation;
  /** Raises what the last `translate` failed with, at the instruction at hand: `fault`, or `again` for a stop. */
  raise(): Status;
  /** Raises the exception for bytes that the architecture knows as no instruction; undefined where it has none. */
  invalidInstruction(): Status | undefined;
  /** Whether each instruction is followed by an exception now (x86's TF, PowerPC's MSR[SE] and MSR[BE]). */
  stepping?(): boolean;
  /** Raises that exception, after an instruction that was begun while `stepping` said so: as `raise`. */
  stepped?(): Status;
}
