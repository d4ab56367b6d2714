/** The driver's side of a split virtqueue, in TypeScript on memory that is its own; `rings/virtqueue_code.ts` is guest code. */
import { RingMemory, type RingRam } from "../rings/ring_memory.ts";
import type { DriverRing, RingAnswer } from "../rings/ring_sides.ts";
import { checkPlace, DESC, NO_INTERRUPT, passes, type VirtqueuePlace } from "../rings/virtqueue_layout.ts";

/** Memory for requests: each of a queue's descriptors has a part of this, whose owner is the chain that begins with it. */
export interface BufferPlace {
  /** Guest-physical address of the first part. */
  readonly gpa: number;
  /** Bytes of a part, a multiple of 16: a request, its reply and an indirect table. */
  readonly each: number;
}

interface Outstanding {
  readonly reply: number;
  readonly capacity: number;
  readonly descriptors: readonly number[];
}

/** See `DriverRing`. A request's id is its chain's head. */
export class VirtqueueDriver implements DriverRing {
  readonly #memory: RingMemory;
  readonly #place: VirtqueuePlace;
  readonly #buffers: BufferPlace;
  readonly #free: number[];
  readonly #outstanding = new Map<number, Outstanding>();
  #available: number;
  #told: number;
  #seen: number;
  #interrupts = true;

  /** `start` is the index that both rings begin at: 0 after a reset, anything in tests of its wrap. */
  constructor(ram: RingRam, place: VirtqueuePlace, buffers: BufferPlace, start = 0) {
    checkPlace(place);
    this.#memory = new RingMemory(ram);
    this.#place = place;
    this.#buffers = buffers;
    this.#free = Array.from({ length: place.size }, (_, i) => place.size - 1 - i);
    this.#available = this.#told = this.#seen = start & 0xffff;
  }

  submit(buffers: readonly Uint8Array[], capacity: number): number | undefined {
    const { indirect } = this.#place;
    const lengths = [...buffers.map(({ length }) => length), ...capacity > 0 ? [capacity] : []];
    const needed = indirect ? 1 : lengths.length;
    const table = indirect ? DESC.size * lengths.length : 0;
    const total = lengths.reduce((sum, length) => sum + length, table);
    if (total > this.#buffers.each || lengths.length === 0 || lengths.length > this.#place.size) {
      throw new RangeError(
        `a request of ${buffers.length} buffers and a reply of ${capacity} bytes take ${total} bytes of a ring's ` +
          `${this.#buffers.each} each, and ${lengths.length} of its ${this.#place.size} descriptors`,
      );
    }
    if (this.#free.length < needed) return undefined;
    const own = Array.from({ length: needed }, () => this.#free.pop()!);
    const head = own[0], base = this.#buffers.gpa + this.#buffers.each * head;
    let at = base + table;
    lengths.forEach((length, i) => {
      const last = i === lengths.length - 1, writes = i >= buffers.length;
      if (!writes) this.#memory.put(at, buffers[i], "a request");
      const flags = (last ? 0 : DESC.next) | (writes ? DESC.write : 0);
      const where = indirect ? base + DESC.size * i : this.#place.descriptors + DESC.size * own[i];
      this.#describe(where, at, length, flags, last ? 0 : indirect ? i + 1 : own[i + 1]);
      at += length;
    });
    if (indirect) {
      this.#describe(this.#place.descriptors + DESC.size * head, base, table, DESC.indirect, 0);
    }
    const { available, size } = this.#place;
    this.#outstanding.set(head, { reply: at - capacity, capacity, descriptors: own });
    this.#memory.setU16(available + 4 + 2 * (this.#available & (size - 1)), head, "the available ring");
    this.#available = this.#available + 1 & 0xffff;
    this.#memory.setU16(available + 2, this.#available, "the available ring");
    return head;
  }

  wantsKick(): boolean {
    const { size, used, eventIdx } = this.#place;
    const before = this.#told;
    this.#told = this.#available;
    if (before === this.#available) return false;
    if (!eventIdx) return (this.#memory.u16(used, "the used ring") & 1) === 0;
    return passes(this.#memory.u16(used + 4 + 8 * size, "avail_event"), this.#available, before);
  }

  collect(): RingAnswer | undefined {
    const { size, used } = this.#place;
    if (!this.#answered()) return undefined;
    const view = this.#memory.view(used + 4 + 8 * (this.#seen & (size - 1)), 8, "the used ring");
    const id = view.getUint32(0, true), length = view.getUint32(4, true);
    const request = this.#outstanding.get(id);
    if (request === undefined || length > request.capacity) {
      throw new Error(`the device used descriptor ${id} with ${length} bytes, which the driver did not give`);
    }
    this.#seen = this.#seen + 1 & 0xffff;
    this.#outstanding.delete(id);
    this.#free.push(...request.descriptors.toReversed());
    if (this.#interrupts) this.#event(this.#seen);
    return { id, bytes: this.#memory.bytes(request.reply, length, "a reply") };
  }

  wantInterrupts(on: boolean): boolean {
    this.#interrupts = on;
    // Without interrupts the event is what the index has just left behind: 2^16 - 1 more until it is passed.
    if (this.#place.eventIdx) this.#event(on ? this.#seen : this.#seen - 1);
    else this.#memory.setU16(this.#place.available, on ? 0 : NO_INTERRUPT, "the available ring");
    return this.#answered();
  }

  #event(index: number): void {
    const { available, size, eventIdx } = this.#place;
    if (eventIdx) this.#memory.setU16(available + 4 + 2 * size, index, "used_event");
  }
  #answered(): boolean {
    return this.#memory.u16(this.#place.used + 2, "the used ring") !== this.#seen;
  }
  #describe(where: number, gpa: number, length: number, flags: number, next: number): void {
    const bytes = new Uint8Array(DESC.size), view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(gpa), true);
    view.setUint32(8, length, true);
    view.setUint16(12, flags, true);
    view.setUint16(14, next, true);
    this.#memory.put(where, bytes, "a descriptor");
  }
}
