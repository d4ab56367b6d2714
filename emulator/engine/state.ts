/** A vCPU's state area seen from TypeScript. */
import { STATE } from "../ir/layout.ts";
import type { StateView } from "../ir/state_view.ts";
import type { Arena } from "./arena.ts";

/** Bytes of one vCPU's state area: shared slots, the ISA's, the TLB, the engine's own. */
export const STATE_BYTES = 139_264;

/** A few words of a state, as they were at some time: see `CpuState.see`. Fields of their own: they are compared at exits. */
export class SeenWords {
  at0 = 0;
  at1 = 0;
  at2 = 0;
  at3 = 0;
  at4 = 0;
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  word4 = 0;
}
/** How many words one can hold. */
export const MOST_SEEN = 5;

/**
 * Slots are read and written through views of this area alone, which is three times as fast as through the arena's: each
 * exit takes a dozen. An offset is a multiple of what it is read by.
 */
export class CpuState implements StateView {
  readonly #arena: Arena;
  #words!: Uint32Array<ArrayBuffer>;
  #signed!: Int32Array<ArrayBuffer>;
  #slots!: BigUint64Array<ArrayBuffer>;
  /** Address of the state area in linear memory. */
  readonly base: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.base = arena.allocate(STATE_BYTES);
    arena.onViews(() => {
      this.#words = new Uint32Array(arena.memory.buffer as ArrayBuffer, this.base, STATE_BYTES / 4);
      this.#signed = new Int32Array(arena.memory.buffer as ArrayBuffer, this.base, STATE_BYTES / 4);
      this.#slots = new BigUint64Array(arena.memory.buffer as ArrayBuffer, this.base, STATE_BYTES / 8);
    });
  }

  get64(offset: number): bigint {
    return this.#slots[offset >> 3];
  }
  /** Takes the low 64 bits of the value. */
  set64(offset: number, value: bigint): void {
    this.#slots[offset >> 3] = value;
  }
  get32(offset: number): number {
    return this.#words[offset >> 2];
  }
  set32(offset: number, value: number): void {
    this.#words[offset >> 2] = value;
  }
  /** Sets slots in a row. */
  fill64(offset: number, count: number, value: bigint): void {
    this.#slots.fill(value, offset >> 3, (offset >> 3) + count);
  }
  /** Whether words are what they were when they were looked at. */
  isAsSeen(seen: SeenWords): boolean {
    const words = this.#signed;
    return words[seen.at0] === seen.word0 && words[seen.at1] === seen.word1 &&
      words[seen.at2] === seen.word2 &&
      words[seen.at3] === seen.word3 && words[seen.at4] === seen.word4;
  }
  /** Looks at the words at these offsets, at most five. */
  see(seen: SeenWords, offsets: readonly number[]): void {
    const words = this.#signed;
    const at = (i: number) => (offsets[i] ?? STATE.zero) >> 2;
    [seen.at0, seen.at1, seen.at2, seen.at3, seen.at4] = [at(0), at(1), at(2), at(3), at(4)];
    seen.word0 = words[seen.at0];
    seen.word1 = words[seen.at1];
    seen.word2 = words[seen.at2];
    seen.word3 = words[seen.at3];
    seen.word4 = words[seen.at4];
  }

  get8(offset: number): number {
    return this.#arena.u8[this.base + offset];
  }
  set8(offset: number, value: number): void {
    this.#arena.u8[this.base + offset] = value;
  }

  /** A 64-bit slot as a number: exact below 2^53. */
  getNumber(offset: number): number {
    return this.get32(offset + 4) * 2 ** 32 + this.get32(offset);
  }
  /** Stores a whole number below 2^53 into a 64-bit slot. */
  setNumber(offset: number, value: number): void {
    this.set32(offset, value % 2 ** 32);
    this.set32(offset + 4, Math.floor(value / 2 ** 32));
  }

  /** A copy of `length` bytes from `offset`. */
  copy(offset: number, length: number): Uint8Array {
    return this.#arena.u8.slice(this.base + offset, this.base + offset + length);
  }
  paste(offset: number, bytes: Uint8Array): void {
    this.#arena.u8.set(bytes, this.base + offset);
  }
}
