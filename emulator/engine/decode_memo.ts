/**
 * Instructions decoded lately, by their bytes. Programs consist of a few thousand different ones, and code that changes, or is
 * entered one instruction at a time, would else be decoded again and again. Equal bytes are equal instructions, at the same
 * address or, unless they are relative to it, at any: nothing has to be told of changes.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { Decoded } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";

/** Direct-mapped. */
const ENTRIES = 8192, SHIFT = 32 - Math.log2(ENTRIES);
const PAGE = 2 ** TLB.pageBits;
/** Bytes that an entry has room for. */
const ROOM = 16;
/** Of the hash: FNV-1a's. */
const SEED = 0x811c_9dc5 | 0, PRIME = 0x0100_0193;
/** Spreads addresses over the entries (Knuth). */
const SPREAD = 0x9e37_79b1;

export class DecodeMemo {
  readonly #arena: Arena;
  readonly #decoded = new Array<Decoded | undefined>(ENTRIES);
  readonly #bytes = new Uint8Array(ENTRIES * ROOM);
  /** Address of each that is relative to it. */
  readonly #pcs = new Array<bigint>(ENTRIES).fill(0n);
  /** By its first two bytes: how long an instruction probably is. */
  readonly #lengths = new Uint8Array(65536);

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** What the bytes at this place are as an instruction at `pc`, if that is known. */
  find(place: number, pc: bigint): Decoded | undefined {
    const { u8 } = this.#arena, length = this.#lengths[u8[place] | u8[place + 1] << 8];
    if (length === 0 || place % PAGE + length > PAGE) return undefined;
    const hash = this.#hash(place, length);
    return this.#at(hash >>> SHIFT, place, length, undefined) ??
      this.#at(relativeIndex(hash, place), place, length, pc);
  }

  /** Only what lies on one page: where the rest of an instruction is, its place does not tell. */
  keep(place: number, pc: bigint, decoded: Decoded): void {
    const { length, relative } = decoded, { u8 } = this.#arena;
    if (length > ROOM || place % PAGE + length > PAGE) return;
    this.#lengths[u8[place] | u8[place + 1] << 8] = length;
    const hash = this.#hash(place, length), index = relative ? relativeIndex(hash, place) : hash >>> SHIFT;
    this.#decoded[index] = decoded;
    if (relative) this.#pcs[index] = pc;
    for (let i = 0; i < length; i++) this.#bytes[index * ROOM + i] = u8[place + i];
  }

  /** What an entry holds, if it is of these bytes, and of this address or of none. */
  #at(index: number, place: number, length: number, pc: bigint | undefined): Decoded | undefined {
    const decoded = this.#decoded[index], { u8 } = this.#arena;
    if (decoded === undefined || decoded.length !== length) return undefined;
    if (pc === undefined ? decoded.relative : !decoded.relative || this.#pcs[index] !== pc) return undefined;
    for (let i = 0; i < length; i++) if (u8[place + i] !== this.#bytes[index * ROOM + i]) return undefined;
    return decoded;
  }

  #hash(place: number, length: number): number {
    const { u8 } = this.#arena;
    let hash = SEED;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ u8[place + i], PRIME);
    return hash;
  }
}

function relativeIndex(hash: number, place: number): number {
  return (hash ^ Math.imul(place, SPREAD)) >>> SHIFT;
}
