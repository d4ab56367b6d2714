/**
 * Where the records of blocks lie: chunks of linear memory, taken as code is decoded, and kept for the code that is decoded
 * when all of them are full and everything is dropped. Which block a record belongs to, too.
 */
import type { Arena } from "./arena.ts";
import { type Block, holds } from "./block_writer.ts";

/** Bytes of the first chunk: 16,384 instructions. The others double what there is, as growing memory may move it. */
const FIRST = 2 ** 20;
/** Of the largest. */
const LARGEST = 2 ** 24;

interface Chunk<B> {
  readonly at: number;
  readonly bytes: number;
  used: number;
  /** In the order of their records. */
  blocks: B[];
}

export class RecordSpace<B extends Block> {
  readonly #arena: Pick<Arena, "allocateSpare">;
  readonly #chunks: Chunk<B>[];
  /** The one that is being filled; those behind it are empty. */
  #filling = 0;

  constructor(arena: Pick<Arena, "allocate" | "allocateSpare">) {
    this.#arena = arena;
    this.#chunks = [{ at: arena.allocate(FIRST), bytes: FIRST, used: 0, blocks: [] }];
  }

  /** A place for so many bytes, fewer than a chunk has, that are not taken yet; undefined if there is none until `clear`. */
  place(bytes: number): number | undefined {
    for (;; this.#filling++) {
      const { at, bytes: size, used } = this.#chunks[this.#filling];
      if (used + bytes <= size) return at + used;
      if (this.#filling + 1 === this.#chunks.length && !this.#grow()) return undefined;
    }
  }

  /** Takes the place that was asked for last, or the beginning of it, for a block. */
  take(block: B, bytes: number): void {
    const chunk = this.#chunks[this.#filling];
    chunk.used += bytes;
    chunk.blocks.push(block);
  }

  /** The block that a record belongs to. */
  blockOf(record: number): B | undefined {
    const chunk = this.#chunks.find(({ at, bytes }) => at <= record && record < at + bytes);
    if (!chunk) return undefined;
    const { blocks } = chunk;
    let low = 0, high = blocks.length;
    while (low < high) {
      const middle = low + high >>> 1;
      if (blocks[middle].record <= record) low = middle + 1;
      else high = middle;
    }
    const block = blocks[low - 1];
    return block && holds(block, record) ? block : undefined;
  }

  /** Bytes that blocks have taken. */
  get used(): number {
    return this.#chunks.reduce((sum, { used }) => sum + used, 0);
  }

  /** Every place is free again. */
  clear(): void {
    for (const chunk of this.#chunks) {
      chunk.used = 0;
      chunk.blocks = [];
    }
    this.#filling = 0;
  }

  #grow(): boolean {
    const bytes = Math.min(this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0), LARGEST);
    const at = this.#arena.allocateSpare(bytes);
    if (at !== undefined) this.#chunks.push({ at, bytes, used: 0, blocks: [] });
    return at !== undefined;
  }
}
