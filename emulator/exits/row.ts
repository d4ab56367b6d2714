/** One exit as the ledger records it, and the bounded store of such rows. */
import type { Direction, KeySpace, NativeReason } from "../engine/native_reason.ts";
import { directionOf, type Handling, handlingOf, PRICE_CLASSES, type StageCycles } from "./stages.ts";

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A row as the ledger fills it, with what it takes to price it again. */
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
  readonly cycles: Mutable<StageCycles>;
  accesses = 1;
  returns: number;
  /** `NativeReason.id`. */
  readonly #reasonId: number;
  /** Further accesses by price class. */
  #again: number[] | undefined;
  readonly #priceClass: number;

  constructor(
    seq: number,
    native: NativeReason,
    key: number,
    priceClass: number,
    size: number,
    price: StageCycles,
    site: ExitSite,
  ) {
    this.seq = seq;
    this.vcpu = site.vcpu;
    this.reason = native.reason;
    this.#reasonId = native.id;
    this.native = { name: native.name, code: native.code };
    this.keySpace = native.keySpace;
    this.key = key;
    this.direction = directionOf(priceClass);
    this.size = size;
    this.handledIn = handlingOf(priceClass);
    this.pc = site.pc;
    const symbol = site.symbol();
    if (symbol !== undefined) this.symbol = symbol;
    this.instructions = site.instructions;
    this.at = site.cycles;
    this.cycles = { ...price };
    this.returns = this.handledIn === "userspace" ? 1 : 0;
    this.#priceClass = priceClass;
  }

  /** Adds a further access of a price class, which costs `price.dispatch + price.userspace`. */
  accessAgain(priceClass: number, price: StageCycles): void {
    this.accesses++;
    if (handlingOf(priceClass) === "userspace") this.returns++;
    (this.#again ??= new Array(PRICE_CLASSES).fill(0))[priceClass]++;
    this.cycles.dispatch += price.dispatch;
    this.cycles.userspace += price.userspace;
    this.cycles.total += price.dispatch + price.userspace;
  }

  chargeDevice(cycles: number): void {
    this.cycles.device += cycles;
    this.cycles.total += cycles;
  }

  /** `NativeReason.id` of its reason. */
  get reasonId(): number {
    return this.#reasonId;
  }

  /** Puts back what came after the exit began; its cycles are what the row was made with. */
  load(accesses: number, returns: number, again: number[] | undefined): void {
    this.accesses = accesses;
    this.returns = returns;
    this.#again = again;
  }

  /** Price class of the exit and counts of its further accesses. */
  get priced(): { readonly priceClass: number; readonly again: readonly number[] | undefined } {
    return { priceClass: this.#priceClass, again: this.#again };
  }
}

/** A bounded store of rows: once `limit` is reached the oldest row goes for each that comes. */
export class RowStore {
  readonly limit: number;
  #ring: Row[] = [];
  #next = 0;
  #dropped = 0;

  /** Throws `RangeError` if `limit` is not an integer of at least 1. */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`row limit is ${limit}: give an integer of at least 1`);
    }
    this.limit = limit;
  }

  /** Rows that were recorded and had to go. */
  get dropped(): number {
    return this.#dropped;
  }

  push(row: Row): void {
    if (this.#ring.length < this.limit) {
      this.#ring.push(row);
      return;
    }
    this.#ring[this.#next] = row;
    this.#next = (this.#next + 1) % this.limit;
    this.#dropped++;
  }

  /** Rows, oldest first. */
  list(): readonly Row[] {
    return this.#next === 0 ? this.#ring.slice() : [
      ...this.#ring.slice(this.#next),
      ...this.#ring.slice(0, this.#next),
    ];
  }

  /** Rows from elsewhere, oldest first, in the place of all that are there; at most `limit` of them. */
  load(rows: readonly Row[], dropped: number): void {
    this.#ring = [...rows];
    this.#next = 0;
    this.#dropped = dropped;
  }

  clear(): void {
    this.#ring = [];
    this.#next = 0;
    this.#dropped = 0;
  }
}
