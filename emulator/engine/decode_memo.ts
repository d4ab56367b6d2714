/**
 * Instructions decoded lately, by where they lie. Code beside data that is written, and code that is entered at many
 * addresses or one instruction at a time, would else be decoded again and again. What was decoded from the same bytes at
 * the same address is the same: nothing has to be told of changes.
 */
import { TLB } from "../ir/tlb_layout.ts";
import type { Decoded } from "../isa/isa.ts";
import type { Arena } from "./arena.ts";

/** Direct-mapped; code of 64 KiB and more in a row fits. */
const ENTRIES = 8192;
const PAGE = 2 ** TLB.pageBits;

interface Entry {
  place: number;
  pc: bigint;
  decoded: Decoded;
  /** As many of these as the instruction has bytes. */
  readonly bytes: Uint8Array;
}

export class DecodeMemo {
  readonly #arena: Arena;
  readonly #entries = new Array<Entry | undefined>(ENTRIES);

  readonly #longest: number;

  /** `longest`: bytes of the ISA's longest instruction. */
  constructor(arena: Arena, longest: number) {
    this.#arena = arena;
    this.#longest = longest;
  }

  /** What the bytes at this place are as an instruction at `pc`, if that is known. */
  find(place: number, pc: bigint): Decoded | undefined {
    const entry = this.#entries[indexOf(place)];
    if (entry === undefined || entry.place !== place || entry.pc !== pc) return undefined;
    const { bytes, decoded } = entry, { u8 } = this.#arena;
    for (let i = 0; i < decoded.length; i++) if (u8[place + i] !== bytes[i]) return undefined;
    return decoded;
  }

  /** Only what lies on one page: where the rest of an instruction is, its place does not tell. */
  keep(place: number, pc: bigint, decoded: Decoded): void {
    if (place % PAGE + decoded.length > PAGE) return;
    const index = indexOf(place), { u8 } = this.#arena;
    const entry = this.#entries[index] ??= { place, pc, decoded, bytes: new Uint8Array(this.#longest) };
    entry.place = place;
    entry.pc = pc;
    entry.decoded = decoded;
    for (let i = 0; i < decoded.length; i++) entry.bytes[i] = u8[place + i];
  }
}

function indexOf(place: number): number {
  return (place ^ place >>> 13) & ENTRIES - 1;
}
