/** The device's side (south) of an IOQ: positions, owners, addresses and lengths of the guest's are checked. */
import { IOQ, IoqIndex, MAX_IOQ, REQUEST_HEAD } from "./ioq_layout.ts";
import { address, MAX_REQUEST, RingError, RingMemory, type RingRam } from "./ring_memory.ts";
import type { DeviceRing, RingRequest } from "./ring_sides.ts";
import { ShmSignal } from "./shm_signal.ts";

interface Taken extends RingRequest {
  readonly descriptor: number;
  readonly reply: number;
}

/** What an IOQ's device has to remember beside guest memory. */
export interface IoqProgress {
  /** Descriptors that it found when the ring was made. */
  readonly entries: number;
  /** Where the next request is. */
  readonly head: number;
  /** Something was answered since an interrupt was last considered. */
  readonly answered: boolean;
}

/** See `DeviceRing`. Answers are given in the order of the requests. */
export class IoqDevice implements DeviceRing {
  readonly entries: number;
  readonly #memory: RingMemory;
  readonly #signal: ShmSignal;
  readonly #valid: IoqIndex;
  readonly #ring: number;
  /** Where the next request is: the guest's own head is only compared with it. */
  #head = 0;
  #open: Taken | undefined;
  #answered = false;

  /**
   * On what the guest has made there, or goes on from what was saved, whatever the guest has made of the ring's head since.
   * Throws `RingError` for what is no IOQ.
   */
  constructor(ram: RingRam, gpa: number, saved?: IoqProgress) {
    const memory = new RingMemory(ram);
    this.#memory = memory;
    this.entries = saved?.entries ?? entriesOf(memory, gpa);
    this.#ring = gpa + IOQ.ring;
    this.#signal = new ShmSignal(memory, gpa + IOQ.signal, "south", saved !== undefined);
    this.#valid = new IoqIndex(memory, gpa + IOQ.valid, this.entries);
    this.#head = saved?.head ?? this.#valid.read().head;
    this.#answered = saved?.answered ?? false;
  }

  /** For snapshots. */
  get progress(): IoqProgress {
    return { entries: this.entries, head: this.#head, answered: this.#answered };
  }

  take(): Taken | undefined {
    if (!this.#waiting()) return undefined;
    if (this.#open !== undefined) throw new RangeError("an IOQ's requests are answered one after the other");
    const at = this.#ring + IOQ.descriptor * this.#head;
    const view = this.#memory.view(at, IOQ.descriptor, "an IOQ's descriptor");
    if (view.getUint8(IOQ.validFlag) !== 1 || view.getUint8(IOQ.sown) !== 1) {
      throw new RingError(`descriptor ${this.#head} of an IOQ is pushed and not the device's`);
    }
    const length = view.getBigUint64(IOQ.len, true);
    if (length < REQUEST_HEAD || length > MAX_REQUEST) {
      throw new RingError(
        `descriptor ${this.#head} of an IOQ has ${length} bytes: give ${REQUEST_HEAD} to ${MAX_REQUEST}`,
      );
    }
    const gpa = address(view.getBigUint64(IOQ.ptr, true), `the request of descriptor ${this.#head}`);
    const head = this.#memory.view(gpa, REQUEST_HEAD, "a request");
    const sent = head.getUint32(0, true), capacity = head.getUint32(4, true);
    if (REQUEST_HEAD + sent + capacity > length) {
      throw new RingError(
        `the request of descriptor ${this.#head} has ${length} bytes: not ${sent} and room for ${capacity}`,
      );
    }
    const bytes = this.#memory.bytes(gpa + REQUEST_HEAD, sent, "a request");
    this.#open = { descriptor: at, reply: gpa + REQUEST_HEAD + sent, bytes, capacity };
    return this.#open;
  }

  complete(request: RingRequest, reply: Uint8Array): void {
    const open = this.#open;
    if (open === undefined || open !== request) {
      throw new RangeError("the request is not this ring's, or done");
    }
    if (reply.length > open.capacity) {
      throw new RangeError(`a reply of ${reply.length} bytes: the request has room for ${open.capacity}`);
    }
    this.#memory.put(open.reply, reply, "a reply's buffer");
    this.#memory.setU32(open.descriptor + IOQ.len, reply.length, "an IOQ's descriptor");
    this.#memory.setU32(open.descriptor + IOQ.len + 4, 0, "an IOQ's descriptor");
    this.#memory.setU8(open.descriptor + IOQ.sown, 0, "an IOQ's descriptor");
    this.#valid.pop(this.#head);
    this.#head = (this.#head + 1) % this.entries;
    this.#open = undefined;
    this.#answered = true;
  }

  wantsInterrupt(): boolean {
    if (!this.#answered) return false;
    this.#answered = false;
    return this.#signal.inject();
  }

  /** `shm_signal`'s enable, or its disable with the state that a wakeup leaves. */
  wantKicks(on: boolean): boolean {
    if (on) this.#signal.enable();
    // As in wakeup: what there is will be looked at.
    this.#signal.wakeup(() => {});
    if (!on) this.#signal.disable();
    return this.#waiting();
  }

  #waiting(): boolean {
    const { head, tail, full } = this.#valid.read();
    if (head !== this.#head) {
      throw new RingError(`an IOQ's head is ${head}, where the device popped up to ${this.#head}`);
    }
    return full || head !== tail;
  }
}

function entriesOf(memory: RingMemory, gpa: number): number {
  const view = memory.view(gpa, IOQ.ring, "an IOQ");
  const magic = view.getUint32(0, true),
    version = view.getUint32(4, true),
    count = view.getUint32(IOQ.count, true);
  if (magic === IOQ.magic && version === IOQ.version && count >= 1 && count <= MAX_IOQ) return count;
  throw new RingError(
    `no IOQ of version 4 at 0x${gpa.toString(16)}: magic 0x${magic.toString(16)}, version ${version}, ` +
      `${count} descriptors (of 1 to ${MAX_IOQ})`,
  );
}
