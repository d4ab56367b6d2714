/** Counts and cycles of all exits that share reason, key, direction and handling. */
import type { Direction, KeySpace, NativeReason } from "../engine/native_reason.ts";
import type { ChargedExit } from "./charged_exit.ts";
import { priceExits, type Prices } from "./profile.ts";
import { directionOf, type Handling, handlingOf, PRICE_CLASSES, type StageCycles } from "./stages.ts";

/** The key of the aggregate that takes a reason's exits once it has too many keys to keep them apart. */
export const OTHER_KEYS: -1 = -1;

/** Accesses by size in bytes. */
export interface SizeCounts {
  /** Of one byte. */
  readonly 1: number;
  /** Of two bytes. */
  readonly 2: number;
  /** Of four bytes. */
  readonly 4: number;
  /** Of eight bytes. */
  readonly 8: number;
  /** Any other size, also 0: exits that move no data. */
  readonly other: number;
}

/** Exits of one native reason, key, direction and handling, summed. */
export interface Aggregate {
  /** The backend's reason. */
  readonly native: NativeReason;
  /** Canonical reason, as `native.reason`. */
  readonly reason: string;
  /** What `key` counts. */
  readonly keySpace: KeySpace;
  /** Port, guest-physical address, hypercall number ...; `OTHER_KEYS` if the reason had too many. */
  readonly key: number;
  /** Which way data went, as the guest sees it. */
  readonly direction: Direction;
  /** Who completed the first access. */
  readonly handledIn: Handling;
  /** Exits. */
  readonly count: number;
  /** Accesses: one instruction's exit may make several. */
  readonly accesses: number;
  /** Returns to the userspace half of the hypervisor. */
  readonly returns: number;
  /** Accesses by size. */
  readonly sizes: SizeCounts;
  /** Charged cycles by stage. */
  readonly cycles: StageCycles;
  /**
   * The cheapest exit in cycles. Undefined only after pricing again, where exits of several
   * accesses make it unknown which one would be the cheapest.
   */
  readonly min: number | undefined;
  /** The dearest exit in cycles; undefined as `min` is. */
  readonly max: number | undefined;
}

const SIZE_SLOT = [4, 0, 1, 4, 2, 4, 4, 4, 3];

/**
 * The running counts behind one aggregate. Mutable, private to the ledger. Cycles are not summed exit by exit:
 * all exits of a cell share a price class, so counts times prices give them, under this profile or another.
 */
export class Cell {
  readonly native: NativeReason;
  readonly key: number;
  readonly priceClass: number;
  count = 0;
  /** Cycles that devices charged. */
  device = 0;
  /** Accesses of 1, 2, 4, 8 and other bytes. */
  readonly sizes: number[] = [0, 0, 0, 0, 0];
  /** Further accesses by price class; none until there is one. */
  again: number[] | undefined = undefined;
  /** One of its exits that may be charged again: the ledger's. */
  charged: ChargedExit | undefined = undefined;
  /** Complete exits that cost more than their price, by their device or by further accesses. */
  #dearer = 0;
  #minExtra = Infinity;
  #maxExtra = 0;

  constructor(native: NativeReason, key: number, priceClass: number) {
    this.native = native;
    this.key = key;
    this.priceClass = priceClass;
  }

  /** All that it counts, as numbers; one for each of `PRICE_CLASSES` behind them. */
  save(): number[] {
    const { count, device, sizes, again } = this;
    const extras = [this.#dearer, this.#minExtra, this.#maxExtra];
    return [count, device, ...sizes, ...extras, again ? 1 : 0, ...again ?? new Array(PRICE_CLASSES).fill(0)];
  }
  /** Puts back what `save` gave. */
  load(numbers: readonly number[]): void {
    [this.count, this.device] = numbers;
    this.sizes.splice(0, 5, ...numbers.slice(2, 7));
    [this.#dearer, this.#minExtra, this.#maxExtra] = numbers.slice(7, 10);
    this.again = numbers[10] ? numbers.slice(11, 11 + PRICE_CLASSES) : undefined;
  }

  /** Takes exits whose first access has this size. */
  add(exits: number, size: number): void {
    this.count += exits;
    this.#addSizes(exits, size);
  }
  /** Takes a further access of a price class. */
  addAgain(priceClass: number, size: number): void {
    this.#addSizes(1, size);
    this.again ??= new Array(PRICE_CLASSES).fill(0);
    this.again[priceClass]++;
  }
  #addSizes(accesses: number, size: number): void {
    this.sizes[size >= 0 && size <= 8 ? SIZE_SLOT[size] : 4] += accesses;
  }

  /** Takes a complete exit that cost `extra` cycles (not 0) more than its price into minimum and maximum. */
  settle(extra: number): void {
    this.#dearer++;
    if (extra < this.#minExtra) this.#minExtra = extra;
    if (extra > this.#maxExtra) this.#maxExtra = extra;
  }

  /**
   * What the cell holds, as data. `openExtras` belong to those of its exits that are still open: they may grow, so they
   * are looked at and not settled. `charged` says that `prices` are those it was charged under.
   */
  aggregate(prices: Prices, openExtras: readonly number[], charged: boolean): Aggregate {
    const { sizes, again } = this;
    const handledIn = handlingOf(this.priceClass);
    let accesses = this.count;
    let returns = handledIn === "userspace" ? this.count : 0;
    again?.forEach((times, at) => {
      accesses += times;
      if (handlingOf(at) === "userspace") returns += times;
    });
    let min: number | undefined, max: number | undefined;
    if (charged || again === undefined) {
      const price = prices[this.priceClass].total;
      const plain = this.count - this.#dearer - openExtras.length;
      min = price + Math.min(plain > 0 ? 0 : this.#minExtra, ...openExtras);
      max = price + Math.max(this.#maxExtra, ...openExtras);
    }
    return {
      native: this.native,
      reason: this.native.reason,
      keySpace: this.native.keySpace,
      key: this.key,
      direction: directionOf(this.priceClass),
      handledIn,
      count: this.count,
      accesses,
      returns,
      sizes: { 1: sizes[0], 2: sizes[1], 4: sizes[2], 8: sizes[3], other: sizes[4] },
      cycles: priceExits(prices, this.priceClass, this.count, again, this.device),
      min,
      max,
    };
  }
}

/** The order of aggregates: reason, key, direction and handling; the `OTHER_KEYS` aggregate comes last. */
export function compareCells(a: Cell, b: Cell): number {
  const key = (cell: Cell) => cell.key === OTHER_KEYS ? Infinity : cell.key;
  return a.native.id - b.native.id || (a.key === b.key ? 0 : key(a) - key(b)) || a.priceClass - b.priceClass;
}
