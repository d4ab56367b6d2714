/** The driver's side (north) of an IOQ, on memory that is its own. */
import { IOQ, IoqIndex, REQUEST_HEAD } from "../../../../transports/rings/ioq_layout.ts";
import { RingMemory, type RingRam } from "../../../../transports/rings/ring_memory.ts";
import type { DriverRing, RingAnswer } from "../../../../transports/rings/ring_sides.ts";
import { ShmSignal } from "../../../../transports/rings/shm_signal.ts";
import type { BufferPlace } from "../../../../transports/virtio/virtqueue_driver.ts";

/** See `DriverRing`. A request's id is its descriptor's number. */
export class IoqDriver implements DriverRing {
  readonly #memory: RingMemory;
  readonly #signal: ShmSignal;
  readonly #valid: IoqIndex;
  readonly #inUse: IoqIndex;
  readonly #ring: number;
  readonly #count: number;
  readonly #buffers: BufferPlace;
  /** Where each descriptor's reply will be. */
  readonly #replies: number[] = [];
  #submitted = false;

  /** On the ring that `initialIoq` made at a guest-physical address. */
  constructor(ram: RingRam, gpa: number, buffers: BufferPlace) {
    const memory = new RingMemory(ram);
    this.#memory = memory;
    this.#count = memory.u32(gpa + IOQ.count, "an IOQ");
    this.#signal = new ShmSignal(memory, gpa + IOQ.signal, "north");
    this.#valid = new IoqIndex(memory, gpa + IOQ.valid, this.#count);
    this.#inUse = new IoqIndex(memory, gpa + IOQ.inUse, this.#count);
    this.#ring = gpa + IOQ.ring;
    this.#buffers = buffers;
  }

  submit(buffers: readonly Uint8Array[], capacity: number): number | undefined {
    const sent = buffers.reduce((sum, { length }) => sum + length, 0), total = REQUEST_HEAD + sent + capacity;
    if (total > this.#buffers.each) {
      throw new RangeError(
        `a request of ${sent} and ${capacity} bytes does not fit into ${this.#buffers.each}`,
      );
    }
    const { tail, full } = this.#inUse.read();
    if (full) return undefined;
    const gpa = this.#buffers.gpa + this.#buffers.each * tail;
    const request = new Uint8Array(REQUEST_HEAD + sent), view = new DataView(request.buffer);
    view.setUint32(0, sent, true);
    view.setUint32(4, capacity, true);
    let at = REQUEST_HEAD;
    for (const bytes of buffers) {
      request.set(bytes, at);
      at += bytes.length;
    }
    this.#memory.put(gpa, request, "a request");
    this.#replies[tail] = gpa + at;
    const descriptor = new Uint8Array(IOQ.descriptor), fields = new DataView(descriptor.buffer);
    fields.setBigUint64(IOQ.cookie, BigInt(tail), true);
    fields.setBigUint64(IOQ.ptr, BigInt(gpa), true);
    fields.setBigUint64(IOQ.len, BigInt(total), true);
    descriptor[IOQ.validFlag] = descriptor[IOQ.sown] = 1;
    this.#memory.put(this.#ring + IOQ.descriptor * tail, descriptor, "an IOQ's descriptor");
    this.#inUse.push(tail);
    this.#valid.push(tail);
    this.#submitted = true;
    return tail;
  }

  wantsKick(): boolean {
    if (!this.#submitted) return false;
    this.#submitted = false;
    return this.#signal.inject();
  }

  collect(): RingAnswer | undefined {
    if (!this.#answered()) return undefined;
    const { head } = this.#inUse.read(), at = this.#ring + IOQ.descriptor * head;
    const length = this.#memory.u32(at + IOQ.len, "an IOQ's descriptor");
    this.#inUse.pop(head);
    return { id: head, bytes: this.#memory.bytes(this.#replies[head], length, "a reply") };
  }

  wantInterrupts(on: boolean): boolean {
    if (on) this.#signal.enable();
    this.#signal.wakeup(() => {});
    if (!on) this.#signal.disable();
    return this.#answered();
  }

  #answered(): boolean {
    const { head, tail, full } = this.#inUse.read();
    if (head === tail && !full) return false;
    return this.#memory.u8(this.#ring + IOQ.descriptor * head + IOQ.sown, "an IOQ's descriptor") === 0;
  }
}
