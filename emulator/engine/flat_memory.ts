/**
 * The memory that begins at guest-physical address 0, which compiled code reaches without looking up a translation while
 * none is active: where it lies, and which lines of it hold what a store must not change unnoticed.
 */
import { FLAT, flatLimit, type FlatPlaces } from "../ir/flat_layout.ts";
import { TLB } from "../ir/tlb_layout.ts";
import type { Arena } from "./arena.ts";
import type { CpuState } from "./state.ts";

const PAGE = 2 ** TLB.pageBits, LINE = 2 ** FLAT.lineBits;
/** Bytes of the widest access less one: a store may begin that far before what it changes. */
const OVERHANG = 7;

export class FlatMemory implements FlatPlaces {
  readonly #arena: Arena;
  #place = 0;
  #marks = 0;
  /** Bytes that there are marks for. */
  #most = 0;
  #size = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get place(): number {
    return this.#place;
  }
  get marks(): number {
    return this.#marks;
  }
  /** Bytes; 0 while there is none. */
  get size(): number {
    return this.#size;
  }

  /**
   * What lies at address 0 now; nothing is marked. Only the first memory that ever did counts: compiled code knows its
   * place.
   */
  set(place: number, size: number): void {
    if (this.#most === 0 && size > 0) {
      this.#place = place;
      this.#marks = this.#arena.allocate(size / LINE);
      this.#size = this.#most = size;
      return;
    }
    this.#size = place === this.#place ? Math.min(this.#most, size) : 0;
  }

  /** The host has to be told of stores to these bytes of linear memory, if they are its. */
  mark(start: number, end: number): void {
    const first = Math.max(0, start - OVERHANG - this.#place), last = Math.min(this.#size, end - this.#place);
    if (first >= last) return;
    this.#arena.u8.fill(1, this.#marks + lineOf(first), this.#marks + lineOf(last - 1) + 1);
  }

  /** Whether the host is told of stores to the byte at this place. */
  isMarked(place: number): boolean {
    const at = place - this.#place;
    return at >= 0 && at < this.#size && this.#arena.u8[this.#marks + lineOf(at)] !== 0;
  }

  /** There is nothing left on the page of this place: stores to it go unnoticed, but those that reach the next one. */
  open(place: number, nextIsWatched: boolean): void {
    const at = place - this.#place - place % PAGE;
    if (at < 0 || at >= this.#size) return;
    const lines = PAGE / LINE - (nextIsWatched ? 1 : 0);
    this.#arena.u8.fill(0, this.#marks + lineOf(at), this.#marks + lineOf(at) + lines);
  }

  /**
   * Bytes from an address on that may all be read or written: as many as are wanted, or fewer, or some more; 0 where a
   * vCPU's compiled code may not reach it so.
   */
  room(state: CpuState, low: number, high: number, access: "read" | "write", wanted: number): number {
    const limit = high === 0 ? state.getNumber(flatLimit(1)) : 0;
    if (low >= limit) return 0;
    if (access === "read") return limit - low;
    const { u8 } = this.#arena, end = lineOf(Math.min(limit, low + wanted) - 1) + 1;
    let line = lineOf(low);
    while (line < end && u8[this.#marks + line] === 0) line++;
    return Math.max(0, Math.min(limit, line * LINE) - low);
  }
}

/** Lets compiled code of a vCPU reach the first `size` bytes without a translation. */
export function setFlatLimits(state: CpuState, size: number): void {
  for (const bytes of [1, 2, 4, 8]) state.setNumber(flatLimit(bytes), Math.max(0, size - bytes + 1));
}

function lineOf(at: number): number {
  return at >>> FLAT.lineBits;
}
