/** The device's side of a split virtqueue: every index, address, length and chain of the guest's is checked. */
import { address, MAX_REQUEST, RingError, RingMemory, type RingRam } from "./ring_memory.ts";
import type { DeviceRing, RingRequest } from "./ring_sides.ts";
import {
  checkPlace,
  DESC,
  NO_INTERRUPT,
  NO_NOTIFY,
  passes,
  type VirtqueuePlace,
} from "./virtqueue_layout.ts";

interface Segment {
  readonly gpa: number;
  readonly length: number;
}

/** A request with where its answer goes. */
interface Chain extends RingRequest {
  readonly head: number;
  readonly writable: readonly Segment[];
}

/** What a virtqueue's device has to remember beside guest memory. */
export interface VirtqueueProgress {
  /** Index of the available ring up to which requests were taken. */
  readonly taken: number;
  /** Index of the used ring. */
  readonly used: number;
  /** The same when an interrupt was last considered. */
  readonly told: number;
}

/** See `DeviceRing`. */
export class VirtqueueDevice implements DeviceRing {
  readonly place: VirtqueuePlace;
  readonly #memory: RingMemory;
  /** Chains that were taken and not completed, by head. */
  readonly #open = new Map<number, Chain>();
  #taken = 0;
  #used = 0;
  #told = 0;

  /** Throws `RangeError` for a place that cannot be. */
  constructor(ram: RingRam, place: VirtqueuePlace) {
    checkPlace(place);
    this.#memory = new RingMemory(ram);
    this.place = place;
  }

  get entries(): number {
    return this.place.size;
  }
  /** For snapshots. */
  get progress(): VirtqueueProgress {
    return { taken: this.#taken, used: this.#used, told: this.#told };
  }
  /** For snapshots: no request is open. */
  set progress({ taken, used, told }: VirtqueueProgress) {
    this.#open.clear();
    this.#taken = taken & 0xffff;
    this.#used = used & 0xffff;
    this.#told = told & 0xffff;
  }

  take(): Chain | undefined {
    const { size, available } = this.place;
    if (this.#waiting() === 0) return undefined;
    const at = available + 4 + 2 * (this.#taken & (size - 1));
    const head = this.#memory.u16(at, "the available ring");
    if (head >= size) throw new RingError(`descriptor ${head} is available: the queue has ${size}`);
    if (this.#open.has(head)) {
      throw new RingError(`descriptor ${head} is available again before it was used`);
    }
    const chain = this.#chain(head);
    this.#taken = this.#taken + 1 & 0xffff;
    this.#open.set(head, chain);
    return chain;
  }

  complete(request: RingRequest, reply: Uint8Array): void {
    const chain = request as Chain;
    if (this.#open.get(chain.head) !== chain) {
      throw new RangeError("the request is not this queue's, or done");
    }
    if (reply.length > chain.capacity) {
      throw new RangeError(`a reply of ${reply.length} bytes: the request has room for ${chain.capacity}`);
    }
    let done = 0;
    for (const { gpa, length } of chain.writable) {
      if (done === reply.length) break;
      this.#memory.put(gpa, reply.subarray(done, done + length), "a reply's buffer");
      done += Math.min(length, reply.length - done);
    }
    const { size, used } = this.place;
    const entry = new Uint8Array(8), view = new DataView(entry.buffer);
    view.setUint32(0, chain.head, true);
    view.setUint32(4, reply.length, true);
    this.#memory.put(used + 4 + 8 * (this.#used & (size - 1)), entry, "the used ring");
    this.#open.delete(chain.head);
    this.#used = this.#used + 1 & 0xffff;
    this.#memory.setU16(used + 2, this.#used, "the used ring");
  }

  wantsInterrupt(): boolean {
    const { size, available, eventIdx } = this.place;
    const before = this.#told;
    this.#told = this.#used;
    if (before === this.#used) return false;
    if (!eventIdx) return (this.#memory.u16(available, "the available ring") & NO_INTERRUPT) === 0;
    return passes(this.#memory.u16(available + 4 + 2 * size, "used_event"), this.#used, before);
  }

  wantKicks(on: boolean): boolean {
    const { size, used, eventIdx } = this.place;
    // Without kicks the event is what the index has just left behind: 2^16 - 1 more requests until it is passed.
    if (eventIdx) this.#memory.setU16(used + 4 + 8 * size, on ? this.#taken : this.#taken - 1, "avail_event");
    else this.#memory.setU16(used, on ? 0 : NO_NOTIFY, "the used ring");
    return this.#waiting() > 0;
  }

  /** Requests that were made available and not taken. */
  #waiting(): number {
    const { size, available } = this.place;
    const index = this.#memory.u16(available + 2, "the available ring");
    const waiting = index - this.#taken & 0xffff;
    if (waiting > size) {
      throw new RingError(
        `the available index went from ${this.#taken} to ${index}: the queue has ${size} descriptors`,
      );
    }
    return waiting;
  }

  /** Reads a chain once: later changes do not matter. At most as many descriptors as the queue has (2.7.5.3.1). */
  #chain(head: number): Chain {
    const { size } = this.place;
    const readable: Segment[] = [], writable: Segment[] = [];
    let table = this.place.descriptors, entries = size, index = head, total = 0, nested = false;
    for (let count = 0;;) {
      if (++count > size) {
        throw new RingError(`the chain of descriptor ${head} is longer than the queue's ${size} descriptors`);
      }
      const view = this.#memory.view(table + DESC.size * index, DESC.size, "a descriptor");
      const length = view.getUint32(8, true),
        flags = view.getUint16(12, true),
        next = view.getUint16(14, true);
      const gpa = address(view.getBigUint64(0, true), `the buffer of descriptor ${index}`);
      if (flags & DESC.indirect) {
        if (!this.place.indirect || nested || flags & DESC.next) {
          const why = nested
            ? "is in an indirect table"
            : flags & DESC.next
            ? "has a next one"
            : "was not negotiated";
          throw new RingError(`descriptor ${index} is indirect and ${why}`);
        }
        if (length === 0 || length % DESC.size !== 0 || length > DESC.size * size) {
          throw new RingError(
            `the indirect table of descriptor ${index} is ${length} bytes: give 16 for each of up to ${size}`,
          );
        }
        [table, entries, index, nested] = [gpa, length / DESC.size, 0, true];
        count--;
        continue;
      }
      total += length;
      if (total > MAX_REQUEST) {
        throw new RingError(`the chain of descriptor ${head} has more than ${MAX_REQUEST} bytes`);
      }
      if (flags & DESC.write) writable.push({ gpa, length });
      else if (writable.length > 0) {
        throw new RingError(`descriptor ${index} is readable after writable ones (2.7.4.2)`);
      } else readable.push({ gpa, length });
      if (!(flags & DESC.next)) break;
      if (next >= entries) {
        throw new RingError(`descriptor ${index} is followed by ${next}: the table has ${entries}`);
      }
      index = next;
    }
    return {
      head,
      writable,
      bytes: this.#gather(readable),
      capacity: writable.reduce((sum, { length }) => sum + length, 0),
    };
  }

  #gather(segments: readonly Segment[]): Uint8Array {
    if (segments.length === 1) {
      return this.#memory.bytes(segments[0].gpa, segments[0].length, "a request's buffer");
    }
    const parts = segments.map(({ gpa, length }) => this.#memory.bytes(gpa, length, "a request's buffer"));
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}
