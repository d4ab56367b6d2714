/** One exit as the ledger shows it. */
import type { Direction, KeySpace, NativeReason } from "../engine/native_reason.ts";
import { directionOf, type Handling, handlingOf, type StageCycles } from "./stages.ts";

/** Where and when an exit happened. Getters: but for `vcpu` the ledger reads them only when it records rows. */
export interface ExitSite {
  /** Address of the instruction that left the guest. */
  readonly pc: bigint;
  /** Guest instructions that the vCPU completed before. */
  readonly instructions: number;
  /** Cycles that the vCPU had spent, charged ones included, when the exit began. */
  readonly cycles: number;
  /** Index of the vCPU. */
  readonly vcpu: number;
  /** Name for `pc`, if it has one. */
  symbol(): string | undefined;
}

/** One exit. */
export interface ExitRow {
  /** Position among all exits since the reset, from 0, whether recorded or not. */
  readonly seq: number;
  /** Index of the vCPU. */
  readonly vcpu: number;
  /** Canonical reason, e.g. `"IO"`. */
  readonly reason: string;
  /** The backend's own name and number. */
  readonly native: { readonly name: string; readonly code: number };
  /** What `key` counts. */
  readonly keySpace: KeySpace;
  /** Port, guest-physical address, hypercall number ... of the first access. */
  readonly key: number;
  /** Which way its data went, as the guest sees it. */
  readonly direction: Direction;
  /** Bytes of the first access; 0 if the exit moves no data. */
  readonly size: number;
  /** Who completed the first access. */
  readonly handledIn: Handling;
  /** Address of the instruction that left the guest. */
  readonly pc: bigint;
  /** Name for `pc`, e.g. `"loop+0x4"`. */
  readonly symbol?: string;
  /** Guest instructions that the vCPU completed before. */
  readonly instructions: number;
  /** `ExitSite.cycles` when the exit began. */
  readonly at: number;
  /** What it cost, further accesses and its device included. */
  readonly cycles: StageCycles;
  /** Accesses of the instruction. */
  readonly accesses: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
}

/** A row as the ledger hands it out, with what it takes to price it again and to save it. */
export class Row implements ExitRow {
  readonly seq: number;
  readonly vcpu: number;
  readonly reason: string;
  readonly native: { readonly name: string; readonly code: number };
  readonly keySpace: KeySpace;
  readonly key: number;
  readonly direction: Direction;
  readonly size: number;
  readonly handledIn: Handling;
  readonly pc: bigint;
  readonly symbol?: string;
  readonly instructions: number;
  readonly at: number;
  readonly cycles: StageCycles;
  readonly accesses: number;
  readonly returns: number;
  readonly #recorded: RecordedRow;

  constructor(recorded: RecordedRow) {
    const { native, priceClass, symbol } = recorded;
    this.seq = recorded.seq;
    this.vcpu = recorded.vcpu;
    this.reason = native.reason;
    this.native = { name: native.name, code: native.code };
    this.keySpace = native.keySpace;
    this.key = recorded.key;
    this.direction = directionOf(priceClass);
    this.size = recorded.size;
    this.handledIn = handlingOf(priceClass);
    this.pc = recorded.pc;
    if (symbol !== undefined) this.symbol = symbol;
    this.instructions = recorded.instructions;
    this.at = recorded.at;
    this.cycles = recorded.cycles;
    this.accesses = recorded.accesses;
    this.returns = recorded.returns;
    this.#recorded = recorded;
  }

  /** What it was made from: price class of the exit and counts of its further accesses, among other things. */
  get recorded(): RecordedRow {
    return this.#recorded;
  }
}

/** What is kept of a row. */
export interface RecordedRow {
  readonly seq: number;
  readonly vcpu: number;
  readonly native: NativeReason;
  readonly key: number;
  readonly priceClass: number;
  readonly size: number;
  readonly pc: bigint;
  readonly symbol: string | undefined;
  readonly instructions: number;
  readonly at: number;
  readonly cycles: StageCycles;
  readonly accesses: number;
  readonly returns: number;
  /** Further accesses by price class, if there were any. */
  readonly again: readonly number[] | undefined;
}
