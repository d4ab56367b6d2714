/**
 * The rows that a ledger records: numbers in one typed array, a record of them for each row. Once `limit` rows are there
 * the oldest goes for each that comes. Nothing is allocated for a row but while the array grows.
 */
import type { NativeReason } from "../engine/native_reason.ts";
import { type ExitSite, Row } from "./row.ts";
import { handlingOf, PRICE_CLASSES, type StageCycles, STAGES } from "./stages.ts";

/** Numbers of a record. */
const AT = {
  ...{ seq: 0, vcpu: 1, native: 2, key: 3, priceClass: 4, size: 5, pcLow: 6, pcHigh: 7 },
  ...{ instructions: 8, at: 9, worldSwitch: 10, dispatch: 11, decode: 12, userspace: 13, device: 14 },
  ...{ accesses: 15, returns: 16 },
} as const;
const COLUMNS = 17;
/** Of a row from elsewhere, beside stages and what `#next` sets. */
const SAVED = [
  "seq",
  "vcpu",
  "key",
  "priceClass",
  "size",
  "instructions",
  "at",
  "accesses",
  "returns",
] as const;
/** Rows that there is room for at first. */
const FIRST_ROOM = 1024;

export class RowRing {
  readonly limit: number;
  #numbers = new Float64Array(0);
  /** Names of the addresses. */
  #symbols: (string | undefined)[] = [];
  /** Further accesses by price class, of the few rows that have any: by the row's number. */
  readonly #again = new Map<number, number[]>();
  /** By id. */
  readonly #natives: NativeReason[] = [];
  /** Rows that ever came. */
  #count = 0;
  /** Rows that were dropped before those: a snapshot's. */
  #droppedBefore = 0;

  /** Throws `RangeError` if `limit` is not an integer of at least 1. */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(`row limit is ${limit}: give an integer of at least 1`);
    }
    this.limit = limit;
  }

  /** Rows that were recorded and had to go. */
  get dropped(): number {
    return this.#droppedBefore + this.#count - this.#length;
  }
  get #length(): number {
    return Math.min(this.#count, this.limit);
  }

  /** Records an exit that begins; answers the row's number. */
  push(
    seq: number,
    native: NativeReason,
    key: number,
    priceClass: number,
    size: number,
    price: StageCycles,
    site: ExitSite,
  ): number {
    const row = this.#next(native, site.symbol(), site.pc), at = this.#place(row), numbers = this.#numbers;
    numbers[at + AT.seq] = seq;
    numbers[at + AT.vcpu] = site.vcpu;
    numbers[at + AT.key] = key;
    numbers[at + AT.priceClass] = priceClass;
    numbers[at + AT.size] = size;
    numbers[at + AT.instructions] = site.instructions;
    numbers[at + AT.at] = site.cycles;
    numbers[at + AT.worldSwitch] = price.worldSwitch;
    numbers[at + AT.dispatch] = price.dispatch;
    numbers[at + AT.decode] = price.decode;
    numbers[at + AT.userspace] = price.userspace;
    numbers[at + AT.device] = price.device;
    numbers[at + AT.accesses] = 1;
    numbers[at + AT.returns] = handlingOf(priceClass) === "userspace" ? 1 : 0;
    return row;
  }

  /** Adds a further access of a price class, which costs `price.dispatch + price.userspace`, to a row that is there still. */
  accessAgain(row: number, priceClass: number, price: StageCycles): void {
    if (!this.#holds(row)) return;
    const at = this.#place(row), numbers = this.#numbers;
    numbers[at + AT.accesses]++;
    if (handlingOf(priceClass) === "userspace") numbers[at + AT.returns]++;
    numbers[at + AT.dispatch] += price.dispatch;
    numbers[at + AT.userspace] += price.userspace;
    let again = this.#again.get(row);
    if (again === undefined) this.#again.set(row, again = new Array(PRICE_CLASSES).fill(0));
    again[priceClass]++;
  }

  /** Adds cycles of its device to a row that is there still. */
  chargeDevice(row: number, cycles: number): void {
    if (this.#holds(row)) this.#numbers[this.#place(row) + AT.device] += cycles;
  }

  /** A row by its number, if it is there still. */
  get(row: number): Row | undefined {
    if (!this.#holds(row)) return undefined;
    const at = this.#place(row), numbers = this.#numbers;
    const column = (name: keyof typeof AT) => numbers[at + AT[name]];
    const cycles = { worldSwitch: 0, dispatch: 0, decode: 0, userspace: 0, device: 0, total: 0 };
    for (const stage of STAGES) cycles.total += cycles[stage] = column(stage);
    return new Row({
      seq: column("seq"),
      vcpu: column("vcpu"),
      native: this.#natives[column("native")],
      key: column("key"),
      priceClass: column("priceClass"),
      size: column("size"),
      pc: BigInt(column("pcHigh")) << 32n | BigInt(column("pcLow")),
      symbol: this.#symbols[row % this.limit],
      instructions: column("instructions"),
      at: column("at"),
      cycles,
      accesses: column("accesses"),
      returns: column("returns"),
      again: this.#again.get(row)?.slice(),
    });
  }

  /** Rows, oldest first. */
  list(): readonly Row[] {
    const oldest = this.#count - this.#length;
    return Array.from({ length: this.#length }, (_, i) => this.get(oldest + i)!);
  }
  /** Where a row stands in the list, from 0; -1 if it had to go. */
  indexOf(row: number): number {
    return this.#holds(row) ? row - (this.#count - this.#length) : -1;
  }

  /** Rows from elsewhere, oldest first, in the place of all that are there; at most `limit` of them. */
  load(rows: readonly Row[], dropped: number): void {
    this.clear();
    this.#droppedBefore = dropped;
    for (const { recorded } of rows) {
      const { native, symbol, pc, cycles, again } = recorded;
      const row = this.#next(native, symbol, pc), at = this.#place(row);
      for (const name of SAVED) this.#numbers[at + AT[name]] = recorded[name];
      for (const stage of STAGES) this.#numbers[at + AT[stage]] = cycles[stage];
      if (again) this.#again.set(row, [...again]);
    }
  }

  clear(): void {
    this.#numbers = new Float64Array(0);
    this.#symbols = [];
    this.#again.clear();
    this.#count = 0;
    this.#droppedBefore = 0;
  }

  /** The number of a row that comes, with what is not a number of it. */
  #next(native: NativeReason, symbol: string | undefined, pc: bigint): number {
    const row = this.#count++;
    this.#makeRoom();
    this.#natives[native.id] = native;
    this.#symbols[row % this.limit] = symbol;
    if (this.#again.size > 0) this.#again.delete(row - this.limit);
    const at = this.#place(row), numbers = this.#numbers;
    numbers[at + AT.native] = native.id;
    numbers[at + AT.pcLow] = Number(pc & 0xffff_ffffn);
    numbers[at + AT.pcHigh] = Number(pc >> 32n);
    return row;
  }
  #makeRoom(): void {
    const room = this.#numbers.length / COLUMNS;
    if (this.#length <= room) return;
    const numbers = new Float64Array(COLUMNS * Math.min(Math.max(2 * room, FIRST_ROOM), this.limit));
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }

  #holds(row: number): boolean {
    return row >= this.#count - this.#length && row < this.#count;
  }
  #place(row: number): number {
    return row % this.limit * COLUMNS;
  }
}
