/**
 * Where blocks lie: chunks of linear memory, taken as code is decoded, up to a bound. Then one chunk after another is used
 * again, in no order: code that is gone round in, and more than fits, shall not be dropped just before it comes again.
 */
import type { Arena } from "./arena.ts";

/** Bytes of the first chunk: some 30,000 instructions. The others double what there is, as growing memory may move it. */
const FIRST = 2 ** 20;
/** Of the largest. */
const LARGEST = 2 ** 24;
/** Of all that a vCPU in one mode has, beyond the first. */
const MOST = 2 ** 28;
/** Chunks that there are room for at least: what is dropped at a time is a small part. */
const LEAST_CHUNKS = 8;

export interface Chunk {
  readonly at: number;
  readonly bytes: number;
  used: number;
}

export class RecordSpace {
  readonly #arena: Pick<Arena, "allocateSpare">;
  readonly #chunks: Chunk[];
  readonly #most: number;
  readonly #largest: number;
  /** The one that is being filled. */
  #filling: Chunk;
  /** Those that nothing was put into since `clear`. */
  #empty: Chunk[] = [];
  /** Of a linear congruential generator: the same run drops the same. */
  #chance = 1;

  /** `most`: bytes at most. */
  constructor(arena: Pick<Arena, "allocate" | "allocateSpare">, most = MOST) {
    this.#arena = arena;
    this.#most = most;
    this.#largest = Math.min(LARGEST, most / LEAST_CHUNKS);
    const bytes = Math.min(FIRST, this.#largest);
    this.#filling = { at: arena.allocate(bytes), bytes, used: 0 };
    this.#chunks = [this.#filling];
  }

  /** A place for so many bytes, fewer than a chunk has, that are not taken yet; undefined if a chunk has to be dropped. */
  place(bytes: number): number | undefined {
    for (;;) {
      const { at, bytes: size, used } = this.#filling;
      if (used + bytes <= size) return at + used;
      const next = this.#empty.pop() ?? this.#grow();
      if (next === undefined) return undefined;
      this.#filling = next;
    }
  }

  /** Takes the place that was asked for last, or the beginning of it. */
  take(bytes: number): void {
    this.#filling.used += bytes;
  }

  /** A chunk that is to be dropped, and filled next, with what it held. */
  drop(): Chunk {
    // Numerical Recipes' "quick and dirty" generator; its high bits are the better ones.
    this.#chance = Math.imul(this.#chance, 1664525) + 1013904223 >>> 0;
    const dropped = this.#chunks[Math.floor(this.#chance / 2 ** 32 * this.#chunks.length)];
    const was = { ...dropped };
    dropped.used = 0;
    this.#filling = dropped;
    return was;
  }

  /** Whether a place is in one of the chunks. */
  has(place: number): boolean {
    return this.#chunks.some((chunk) => contains(chunk, place));
  }

  /** Bytes that are taken. */
  get used(): number {
    return this.#chunks.reduce((sum, { used }) => sum + used, 0);
  }

  /** Every place is free again. */
  clear(): void {
    for (const chunk of this.#chunks) chunk.used = 0;
    [this.#filling, ...this.#empty] = this.#chunks;
    this.#empty.reverse();
  }

  #grow(): Chunk | undefined {
    const taken = this.#chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    const bytes = Math.min(taken, this.#largest);
    if (taken + bytes > this.#most) return undefined;
    const at = this.#arena.allocateSpare(bytes);
    if (at === undefined) return undefined;
    const chunk = { at, bytes, used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }
}

/** Whether a place is in a chunk. */
export function contains({ at, bytes }: Pick<Chunk, "at" | "bytes">, place: number): boolean {
  return place >= at && place < at + bytes;
}
