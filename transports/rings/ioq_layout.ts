/**
 * vbus's I/O queue in guest memory: a ring of descriptors that both sides own by turns. Layout and rules are those of
 * AlacrityVM's IOQ (include/linux/ioq.h, version 4); every number is little-endian.
 *
 * | offset | field | |
 * |---|---|---|
 * | 0 | magic u32 | 0x47fa2fe4 |
 * | 4 | ver u32 | 4 |
 * | 8 | signal | 16 bytes, see `shm_signal.ts` |
 * | 24 | idx[2] {head u32, tail u32, full u8}, 12 bytes each | of valid descriptors, and of those in use |
 * | 48 | count u32 | descriptors |
 * | 56 | ring[count] | 32 bytes each: cookie u64, ptr u64, len u64, valid u8, sown u8 |
 *
 * The driver (north) pushes at both tails and gives the descriptor to the device (`sown` = 1); the device (south) pops
 * at the head of the valid ones and gives it back (`sown` = 0); the driver pops at the head of those in use.
 *
 * What `ptr` names is ours: a request of `len` bytes is a u32 with the bytes sent, a u32 with the room for the reply,
 * the bytes sent, and the reply. As the device gives the descriptor back, `len` is the bytes of the reply.
 */
import { initialSignal } from "./shm_signal.ts";
import { RingError, type RingMemory } from "./ring_memory.ts";

/** Figures of the layout: sizes and offsets in bytes. */
export const IOQ = {
  magic: 0x47fa_2fe4,
  version: 4,
  signal: 8,
  valid: 24,
  inUse: 36,
  count: 48,
  ring: 56,
  descriptor: 32,
  cookie: 0,
  ptr: 8,
  len: 16,
  validFlag: 24,
  sown: 25,
} as const;
/** Bytes before a request's own, at `ptr`. */
export const REQUEST_HEAD = 8;
/** Most descriptors that we make or accept. */
export const MAX_IOQ = 32_768;

/** Bytes of a ring of `count` descriptors. */
export function ioqSize(count: number): number {
  return IOQ.ring + IOQ.descriptor * count;
}

/** An empty ring, as the guest makes it. */
export function initialIoq(count: number): Uint8Array {
  const bytes = new Uint8Array(ioqSize(count)), view = new DataView(bytes.buffer);
  view.setUint32(0, IOQ.magic, true);
  view.setUint32(4, IOQ.version, true);
  bytes.set(initialSignal(), IOQ.signal);
  view.setUint32(IOQ.count, count, true);
  return bytes;
}

/** One of a ring's two indices, in memory. */
export class IoqIndex {
  readonly #memory: RingMemory;
  readonly #gpa: number;
  readonly #count: number;

  constructor(memory: RingMemory, gpa: number, count: number) {
    this.#memory = memory;
    this.#gpa = gpa;
    this.#count = count;
  }

  /** Throws `RingError` for positions that the ring does not have. */
  read(): { readonly head: number; readonly tail: number; readonly full: boolean } {
    const view = this.#memory.view(this.#gpa, 12, "an IOQ's index");
    const head = view.getUint32(0, true), tail = view.getUint32(4, true), full = view.getUint8(8) !== 0;
    if (head >= this.#count || tail >= this.#count || full && head !== tail) {
      throw new RingError(
        `an IOQ's index has head ${head}, tail ${tail}${
          full ? ", full" : ""
        }: it has ${this.#count} descriptors`,
      );
    }
    return { head, tail, full };
  }
  push(tail: number): void {
    const next = (tail + 1) % this.#count;
    this.#memory.setU32(this.#gpa + 4, next, "an IOQ's index");
    if (next === this.read().head) this.#memory.setU8(this.#gpa + 8, 1, "an IOQ's index");
  }
  pop(head: number): void {
    this.#memory.setU8(this.#gpa + 8, 0, "an IOQ's index");
    this.#memory.setU32(this.#gpa, (head + 1) % this.#count, "an IOQ's index");
  }
}
