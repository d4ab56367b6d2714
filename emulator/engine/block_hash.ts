/** The table through which compiled code finds the block at an address. Direct-mapped, in linear memory. */
import type { FunctionWriter } from "../wasm/function_writer.ts";
import type { Arena } from "./arena.ts";

export const HASH = {
  /** At first, for blocks; always, for regions. */
  entries: 2 ** 14,
  entrySize: 16,
  /** i64: what `tagOf` gives for the block, or `emptyTag` for none. */
  tag: 0,
  /** u32: place of the block's head. */
  record: 8,
} as const;

/** What an interpreter is given the place of. */
export const LOOKUP = {
  /** u16 each: cycles that an instruction of a class costs. */
  costs: 0,
  classes: 256,
  /** u32: what hashes are shifted by to the right. */
  shift: 512,
  /** The table's. */
  entries: 1024,
} as const;

/** Entries at most: a block is seldom looked for, as links lead to it. */
const MOST_ENTRIES = 2 ** 20;

/**
 * What an entry without a block holds. Every 64-bit number can be the address that a guest jumps to, so it is
 * one that is looked for in another entry.
 */
export function emptyTag(entry: number): bigint {
  return entry === 0 ? 1n : 0n;
}

/**
 * What the entry of a block holds. A record knows its instruction's address as the program counter has it, so
 * where the code segment has a base the same bytes are another block for each base.
 */
export function tagOf(pc: bigint, linear: bigint): bigint {
  return BigInt.asUintN(64, linear ^ (linear - pc) << 32n);
}

/** Knuth's multiplier: what is regular in addresses, such as code a power of 2 apart, shall not meet in one entry. */
const SPREAD = 0x9e37_79b1 | 0;
const SHIFT = 32 - Math.log2(HASH.entries);

/** The entry's offset for an address whose low bits are `low`. */
export function hashOffset(low: number, shift: number = SHIFT): number {
  return (Math.imul(low, SPREAD) >>> shift) * HASH.entrySize;
}

/** Replaces `low` on the stack by the entry's offset; the shift that `pushShift` pushes is a constant if not given. */
export function writeHashOffset(code: FunctionWriter, pushShift = () => void code.i32(SHIFT)): void {
  code.i32(SPREAD).op("i32.mul");
  pushShift();
  code.op("i32.shr_u").i32(Math.log2(HASH.entrySize)).op("i32.shl");
}

/** The blocks that compiled code finds by their addresses. */
export class BlockHash {
  /** Of the `LOOKUP`. It moves when the table grows. */
  place: number;
  readonly #arena: Arena;
  #entries: number = HASH.entries;
  /** Entries that may hold a block, unless `#many` were filled. */
  #filled: number[] = [];
  #many = false;
  /** Blocks put in since the table got its size. */
  #installed = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.place = arena.allocate(bytesOf(this.#entries));
    this.#begin();
  }

  /** Lets compiled code find the block at `head` by its address, whose low bits are `low`. */
  install(head: number, tag: bigint, low: number): void {
    if (++this.#installed > this.#entries / 2) this.#grow();
    const at = this.#entryAt(low), { view } = this.#arena;
    view.setBigUint64(at + HASH.tag, tag, true);
    view.setUint32(at + HASH.record, head, true);
    if (this.#filled.length < this.#entries / 4) this.#filled.push(at);
    else this.#many = true;
  }

  /** The head of the block that has this tag, or 0. */
  find(tag: bigint, low: number): number {
    const at = this.#entryAt(low), { view } = this.#arena;
    return view.getBigUint64(at + HASH.tag, true) === tag ? view.getUint32(at + HASH.record, true) : 0;
  }

  /** The block at `head` is found no more. */
  remove(head: number, low: number): void {
    const at = this.#entryAt(low);
    if (this.#arena.view.getUint32(at + HASH.record, true) === head) this.#empty(at);
  }

  clear(): void {
    const from = this.place + LOOKUP.entries;
    if (this.#many) {
      this.#arena.u8.fill(0, from, from + this.#entries * HASH.entrySize);
      this.#empty(from);
    } else for (const at of this.#filled) this.#empty(at);
    this.#filled = [];
    this.#many = false;
  }

  get #shift(): number {
    return 32 - Math.log2(this.#entries);
  }

  #entryAt(low: number): number {
    return this.place + LOOKUP.entries + hashOffset(low, this.#shift);
  }

  #empty(at: number): void {
    const { view } = this.#arena;
    const tag = emptyTag((at - this.place - LOOKUP.entries) / HASH.entrySize);
    view.setBigUint64(at + HASH.tag, tag, true);
    view.setUint32(at + HASH.record, 0, true);
  }

  /** Memory is new: what is not looked for in an entry is 0 in all but the first. */
  #begin(): void {
    this.#empty(this.place + LOOKUP.entries);
    this.#arena.view.setUint32(this.place + LOOKUP.shift, this.#shift, true);
  }

  /** Twice the size, empty, if there is room. */
  #grow(): void {
    this.#installed = 0;
    if (this.#entries >= MOST_ENTRIES) return;
    const place = this.#arena.allocateSpare(bytesOf(2 * this.#entries));
    if (place === undefined) return;
    this.#arena.u8.copyWithin(place, this.place, this.place + LOOKUP.shift);
    this.#arena.free(this.place, bytesOf(this.#entries));
    this.place = place;
    this.#entries *= 2;
    this.#filled = [];
    this.#many = false;
    this.#begin();
  }
}

function bytesOf(entries: number): number {
  return LOOKUP.entries + entries * HASH.entrySize;
}
