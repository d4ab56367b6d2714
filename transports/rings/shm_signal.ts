/**
 * vbus's shared-memory signal: two sides tell each other that something in shared memory has changed, and say whether
 * they want to hear of it. Layout and rules are those of AlacrityVM's `shm_signal` (include/linux/shm_signal.h, version 1).
 *
 * | offset | field | |
 * |---|---|---|
 * | 0 | magic u32 | 0x58fa39df |
 * | 4 | ver u32 | 1 |
 * | 8 | irq[2] {enabled u8, pending u8, dirty u8} | of side 0, north, and of side 1, south |
 * | 14 | padding | to 16 bytes |
 *
 * Numbers are little-endian. North is the memory's owner, the guest; south is the device.
 */
import { RingError, type RingMemory } from "./ring_memory.ts";

/** Figures of the layout. */
export const SHM_SIGNAL = { magic: 0x58fa_39df, version: 1, size: 16, irq: 8, irqSize: 3 } as const;
const ENABLED = 0, PENDING = 1, DIRTY = 2;
const NAME = "a shm_signal descriptor";

/** A side of shared memory. */
export type Side = "north" | "south";

/** The bytes of a descriptor that begins with the device asking to be told, and the guest not. */
export function initialSignal(): Uint8Array {
  const bytes = new Uint8Array(SHM_SIGNAL.size), view = new DataView(bytes.buffer);
  view.setUint32(0, SHM_SIGNAL.magic, true);
  view.setUint32(4, SHM_SIGNAL.version, true);
  return bytes;
}

/** One side of a signal. */
export class ShmSignal {
  readonly #memory: RingMemory;
  readonly #own: number;
  readonly #peer: number;

  /** Throws `RingError` for what is no descriptor, unless that was `checked` before. */
  constructor(memory: RingMemory, gpa: number, side: Side, checked = false) {
    if (!checked) checkSignal(memory, gpa);
    const irq = gpa + SHM_SIGNAL.irq, other = irq + SHM_SIGNAL.irqSize;
    this.#memory = memory;
    [this.#own, this.#peer] = side === "north" ? [irq, other] : [other, irq];
  }

  /** Something has changed: notes so with the peer, and answers whether it has to be kicked. */
  inject(): boolean {
    this.#set(this.#peer + DIRTY, 1);
    if (!this.#get(this.#peer + ENABLED) || this.#get(this.#peer + PENDING)) return false;
    this.#set(this.#peer + PENDING, 1);
    return true;
  }

  /** This side wants to be told from now on. Answers whether something has changed already, so that `wakeup` is due. */
  enable(): boolean {
    this.#set(this.#own + ENABLED, 1);
    return this.#get(this.#own + DIRTY) || this.#get(this.#own + PENDING);
  }
  /** This side will look by itself. */
  disable(): void {
    this.#set(this.#own + ENABLED, 0);
  }

  /**
   * This side was kicked, or is to look: calls `look` until nothing has changed since. `most` bounds the calls, whoever
   * else writes to the memory.
   */
  wakeup(look: () => void, most = 2): void {
    let left = most;
    while (left > 0 && this.#get(this.#own + ENABLED) && this.#due()) {
      do {
        this.#set(this.#own + DIRTY, 0);
        look();
      } while (--left > 0 && this.#get(this.#own + ENABLED) && this.#get(this.#own + DIRTY));
      this.#set(this.#own + PENDING, 0);
    }
  }

  #due(): boolean {
    return this.#get(this.#own + DIRTY) || this.#get(this.#own + PENDING);
  }
  #get(gpa: number): boolean {
    return this.#memory.u8(gpa, NAME) !== 0;
  }
  #set(gpa: number, value: number): void {
    this.#memory.setU8(gpa, value, NAME);
  }
}

function checkSignal(memory: RingMemory, gpa: number): void {
  const magic = memory.u32(gpa, NAME), version = memory.u32(gpa + 4, NAME);
  if (magic === SHM_SIGNAL.magic && version === SHM_SIGNAL.version) return;
  throw new RingError(
    `no shm_signal of version 1 at 0x${gpa.toString(16)}: magic 0x${magic.toString(16)}, version ${version}`,
  );
}
