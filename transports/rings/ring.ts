/**
 * A ring between a guest's driver and a device: requests and answers lie in shared memory, a trap only notifies.
 *
 * The driver is guest code that runs on the vCPU: it puts requests into the ring, decides whether a kick is due, takes
 * answers, ends interrupts and waits. What a request says, and what is done with an answer, is the caller's: the host
 * copies those bytes from and to the guest's buffers, as it does for calls.
 */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { VehicleName } from "../negotiate.ts";
import type { RingService } from "./ring_service.ts";
import type { TakenAnswer } from "./guest_driver.ts";
import { fromReply, REPLY_HEAD, requestHead, VERB } from "./request.ts";

/** How a ring is made. */
export interface RingOptions {
  /** Requests that it holds, 1 to 4,096; 256 if not given. */
  readonly entries?: number;
  /** `ioq` (vbus, with shm_signal) or `virtqueue` (virtio 1.2, split); `virtqueue` if not given. */
  readonly kind?: "ioq" | "virtqueue";
  /** Bytes of a request and its reply together, at most 65,536; 1,024 if not given. */
  readonly bytes?: number;
  /** Requests that one kick stands for; 1 if not given. `kick`, `flush` and `call` do not wait for more. */
  readonly batch?: number;
  /** Virtqueues: tell each other by index when to notify (VIRTIO_F_EVENT_IDX); true if not given. */
  readonly eventIdx?: boolean;
  /** Virtqueues: a request's buffers are a table of their own (VIRTIO_F_INDIRECT_DESC); false if not given. */
  readonly indirect?: boolean;
  /** Look for answers instead of being interrupted; true if not given. False wants a VM with `interrupts: true`. */
  readonly poll?: boolean;
  /** Answers that one interrupt stands for; 1 if not given. What is left is found by looking. */
  readonly coalesce?: number;
  /**
   * Who takes kicks: `userspace` serves the ring within the doorbell's exit; `kernel` matches the doorbell as an ioeventfd
   * does (`vm.ioevents`, by address and length), and the device serves the ring once the guest is on again or waits;
   * `fast` does so by address alone, which by MMIO needs no decoding where KVM has its fast bus. `userspace` if not given.
   */
  readonly doorbell?: "userspace" | "kernel" | "fast";
  /**
   * A device that is busy: behind a doorbell that is not `userspace` it comes to the ring only as the driver waits (a flush,
   * a call, a full ring). Event indices and shm_signal then hold all kicks but one back, a virtqueue's flag does not. False
   * if not given.
   */
  readonly busy?: boolean;
  /**
   * Interrupt line without `poll`, 5 if not given. While the ring is open it owns the interrupt controller: not for a VM
   * whose own guest uses that.
   */
  readonly line?: number;
}

/** A request to be answered. */
export interface SubmitOptions {
  /** Bytes that the answer may have; what the ring has room for if not given. */
  readonly reply?: number;
}

/** An answer to what was submitted. */
export interface RingCompletion {
  /** As `submit` gave it. */
  readonly id: number;
  /** The device's answer. */
  readonly bytes: Uint8Array;
}

/** What a ring did since it was made. */
export interface RingStats {
  /** Requests put into the ring. */
  readonly submitted: number;
  /** Requests that the device has answered. */
  readonly completed: number;
  /** Doorbells that were rung. */
  readonly kicks: number;
  /** Doorbells that were due, and that the device did not want. */
  readonly suppressedKicks: number;
  /** Interrupts that the device raised. */
  readonly interrupts: number;
  /** Answers without one: the driver did not want it, or it was coalesced. */
  readonly suppressedInterrupts: number;
}

/**
 * The driver's side of a ring. One operation at a time: await each. All that the driver does, from its stores in the ring to
 * the end of an interrupt, is guest code whose instructions and exits are charged.
 *
 * A snapshot that is saved between two operations has the ring with all that is under way; `Io.rings` has it again.
 */
export interface Ring {
  /** Which of the machine's rings it is, counted from 1. */
  readonly number: number;
  /** The device's name. */
  readonly device: string;
  /** What the doorbell rides on. */
  readonly via: VehicleName;
  /** The same for people. */
  readonly label: string;
  /** How it was made, with everything given. */
  readonly options: Readonly<Required<RingOptions>>;
  /** Where the ring is in guest-physical memory, its requests behind it. */
  readonly gpa: number;
  /**
   * Puts a request into the ring, and kicks when a batch is complete; waits for room if it is full. Answers its number,
   * counted from 0. Throws `RangeError` for what does not fit, `Error` if the device has stopped serving the ring.
   */
  submit(buffers: Uint8Array | readonly Uint8Array[], options?: SubmitOptions): Promise<number>;
  /** Kicks for what was submitted, if the device wants that; answers whether it did. */
  kick(): Promise<boolean>;
  /** Looks for answers: what was answered and not collected yet. */
  collect(): Promise<RingCompletion[]>;
  /** Kicks, waits until everything is answered, and collects. */
  flush(): Promise<RingCompletion[]>;
  /**
   * The *call ring*: a synchronous call by a ring, which everything submitted earlier is answered before, as it flushes
   * and blocks. `fn` and the bytes go to the device's `call`.
   */
  call(fn: number, bytes?: Uint8Array, options?: SubmitOptions): Promise<Uint8Array>;
  /** See `RingStats`. */
  readonly stats: RingStats;
  /**
   * The driver as source, for a guest's own code that drives the ring instead: then leave `submit` and the others alone.
   * Throws `Error` for a real-mode guest, whose driver has segments of its own.
   */
  code(): Promise<RingCode>;
  /**
   * The device's own thread, which no doorbell wakes outside of this ring's operations: serves the ring if it was kicked
   * behind a doorbell that is not `userspace`, while a guest's own code drives it.
   */
  serve(): Promise<void>;
  /** Takes the ring out of guest memory and its doorbell off the bus. */
  close(): void;
}

/**
 * A ring's driver as subroutines. They take the block's address in rbp (ebp; on PowerPC r12), find and leave words of 32
 * bits there in the guest's order (`RING_BLOCK`), and clobber eax, ebx, ecx, edx, esi, edi (r0, r3 to r11) and a hypercall's
 * registers.
 */
export interface RingCode {
  /** Assembler source: `ring_push`, `ring_kick` and `ring_take`. */
  readonly source: string;
  /** The block's guest-physical address. */
  readonly block: number;
}

/** What a ring needs of the machine: its driver in the guest. */
export interface RingGuest {
  readonly number: number;
  readonly device: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly gpa: number;
  /** Puts a request into the ring; false if it is full. */
  push(what: string, number: number, buffers: readonly Uint8Array[], capacity: number): Promise<boolean>;
  /** Rings the doorbell if the device wants that, and lets interrupts in that come of it; answers whether it did. */
  kick(what: string): Promise<boolean>;
  /** Takes what was answered, and without `poll` asks for the next interrupt. */
  take(what: string): Promise<readonly TakenAnswer[]>;
  /** Waits for an interrupt, halted if the guest can; meanwhile the device does what it has to. */
  wait(what: string, meanwhile: () => MaybePromise<void>): Promise<void>;
  /** Throws `Error` if the device is no longer there. */
  check(what: string): void;
  code(what: string): Promise<RingCode>;
  /** The kernel half has matched a doorbell that the device has not looked after. */
  kicked: boolean;
  close(): void;
}

/** `RingOptions` with everything given. */
export type FullRingOptions = Required<RingOptions>;

/** Most answers that a snapshot may hold uncollected. */
const MOST_ANSWERS = 1_000_000;

export class OpenRing implements Ring {
  readonly number: number;
  readonly device: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly gpa: number;
  readonly options: FullRingOptions;
  readonly #service: RingService;
  readonly #guest: RingGuest;
  readonly #what: string;
  /** Taken and not collected, by the numbers of their requests. */
  readonly #answers: RingCompletion[] = [];
  #submitted = 0;
  #received = 0;
  #unkicked = 0;
  #kicks = 0;
  #suppressed = 0;
  /** Interrupts that the driver has looked after. */
  #heard = 0;
  #closed = false;
  #operations = 0;

  constructor(service: RingService, guest: RingGuest, options: FullRingOptions) {
    this.#service = service;
    this.#guest = guest;
    this.options = options;
    this.number = guest.number;
    this.device = guest.device;
    this.via = guest.via;
    this.label = guest.label;
    this.gpa = guest.gpa;
    this.#what = `${options.kind} ring of device "${guest.device}" by ${guest.label}`;
  }

  get stats(): RingStats {
    return {
      submitted: this.#submitted,
      kicks: this.#kicks,
      suppressedKicks: this.#suppressed,
      ...this.#service.stats,
    };
  }

  /** Throws `Error` in the middle of an operation, which no snapshot has. */
  save(): SavedState {
    if (this.#operations > 0) {
      throw new Error(`the ${this.#what} is in the middle of an operation: await it first`);
    }
    return {
      submitted: this.#submitted,
      received: this.#received,
      unkicked: this.#unkicked,
      kicks: this.#kicks,
      suppressed: this.#suppressed,
      heard: this.#heard,
      kicked: this.#guest.kicked,
      answers: this.#answers.map(({ id, bytes }) => ({ id, bytes })),
    };
  }
  /** Goes on from what `save` gave. Throws `SyntaxError` for what is none. */
  load(saved: SavedFields): void {
    this.#submitted = saved.whole("submitted");
    this.#received = saved.whole("received", this.#submitted);
    this.#unkicked = saved.whole("unkicked", this.#submitted);
    this.#kicks = saved.whole("kicks");
    this.#suppressed = saved.whole("suppressed");
    this.#heard = saved.whole("heard");
    this.#guest.kicked = saved.flag("kicked");
    for (const answer of saved.records("answers", MOST_ANSWERS)) {
      this.#answers.push({
        id: answer.whole("id", this.#submitted),
        bytes: answer.bytes("bytes").slice(),
      });
    }
  }

  submit(buffers: Uint8Array | readonly Uint8Array[], { reply }: SubmitOptions = {}): Promise<number> {
    const list = buffers instanceof Uint8Array ? [buffers] : buffers;
    const what = `submit() to the ${this.#what}`;
    return this.#during(async () => {
      const id = await this.#put(what, VERB.queue, 0, list, reply);
      if (this.#unkicked >= this.options.batch) {
        await this.#kick(what);
        if (this.options.poll && !this.options.busy) await this.#served();
      }
      return id;
    });
  }

  kick(): Promise<boolean> {
    const what = `kick() of the ${this.#what}`;
    return this.#during(async () => {
      this.#check(what);
      const rang = await this.#kick(what);
      if (this.options.poll && !this.options.busy) await this.#served();
      return rang;
    });
  }

  collect(): Promise<RingCompletion[]> {
    const what = `collect() from the ${this.#what}`;
    return this.#during(async () => {
      this.#check(what);
      await this.#look(what);
      return this.#collected(what);
    });
  }

  flush(): Promise<RingCompletion[]> {
    const what = `flush() of the ${this.#what}`;
    return this.#during(async () => {
      this.#check(what);
      await this.#wait(what, () => this.#received === this.#submitted);
      return this.#collected(what);
    });
  }

  call(
    fn: number,
    bytes: Uint8Array = new Uint8Array(0),
    { reply }: SubmitOptions = {},
  ): Promise<Uint8Array> {
    const what = `call(fn ${fn}) by the ${this.#what}`;
    return this.#during(async () => {
      if (!Number.isInteger(fn) || fn < 0 || fn > 0xffff_ffff) {
        throw new RangeError(`${what}: a function number is an integer of 32 bits, 0 to 4294967295`);
      }
      const id = await this.#put(what, VERB.call, fn, [bytes], reply);
      const found = () => this.#answers.findIndex((answer) => answer.id === id);
      await this.#wait(what, () => found() >= 0);
      const [answer] = this.#answers.splice(found(), 1);
      return this.#opened(what, answer.bytes);
    });
  }

  code(): Promise<RingCode> {
    const what = `code() of the ${this.#what}`;
    return this.#during(async () => {
      this.#check(what);
      return await this.#guest.code(what);
    });
  }

  serve(): Promise<void> {
    const what = `serve() of the ${this.#what}`;
    return this.#during(async () => {
      this.#check(what);
      await this.#served();
      this.#check(what);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#guest.close();
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    this.#operations++;
    try {
      return await work();
    } finally {
      this.#operations--;
    }
  }

  async #put(
    what: string,
    verb: number,
    fn: number,
    buffers: readonly Uint8Array[],
    reply: number | undefined,
  ): Promise<number> {
    this.#check(what);
    const room = this.options.bytes;
    const sent = buffers.reduce((sum, { length }) => sum + length, 0);
    const capacity = reply ?? Math.max(room - sent, 0);
    if (!Number.isInteger(capacity) || capacity < 0) {
      throw new RangeError(`${what}: a reply of ${capacity} bytes`);
    }
    if (sent + capacity > room || buffers.length > MAX_BUFFERS) {
      throw new RangeError(
        `${what}: ${buffers.length} buffers of ${sent} bytes and a reply of ${capacity}: the ring was made for ` +
          `${room} bytes and ${MAX_BUFFERS} buffers; give \`bytes\``,
      );
    }
    const first = new Uint8Array(requestHead(verb, fn).length + (buffers[0]?.length ?? 0));
    first.set(requestHead(verb, fn));
    if (buffers.length > 0) first.set(buffers[0], first.length - buffers[0].length);
    const parts = [first, ...buffers.slice(1)];
    // Meanwhile the device has come to what it was kicked for: its interrupt meets the guest in its next doorbell.
    if (!this.options.busy) await this.#served();
    for (;;) {
      const waiting = this.#submitted - this.#received;
      const fits = waiting < this.options.entries &&
        await this.#guest.push(what, this.#submitted, parts, REPLY_HEAD + capacity);
      if (fits) {
        this.#unkicked++;
        return this.#submitted++;
      }
      await this.#wait(what, () => this.#submitted - this.#received < waiting);
    }
  }

  /** Rings the doorbell if there is something to tell and the device wants to hear it. */
  async #kick(what: string): Promise<boolean> {
    if (this.#unkicked === 0) return false;
    this.#unkicked = 0;
    // Before it rings: a doorbell that userspace answers serves the ring in its exit.
    const rang = await this.#guest.kick(what);
    if (!rang) {
      this.#suppressed++;
      return false;
    }
    this.#kicks++;
    await this.#told(what);
    return true;
  }

  /** What the handler does: looks, and asks for the next interrupt. */
  async #told(what: string): Promise<void> {
    const { interrupts } = this.#service.stats;
    if (interrupts === this.#heard) return;
    this.#heard = interrupts;
    await this.#look(what);
  }

  /** Kicks, and waits until `done` once all that is answered has been looked at. */
  async #wait(what: string, done: () => boolean): Promise<void> {
    await this.#kick(what);
    for (let tries = 0;; tries++) {
      await this.#look(what);
      if (done()) return;
      this.#check(what);
      if (tries > 1) throw new Error(`${what}: the device was kicked and does not answer`);
      // It looks by itself, or has just asked for an interrupt with nothing answered since.
      if (this.options.poll) await this.#served();
      else await this.#guest.wait(what, () => this.#served());
    }
  }

  /** The device's own thread, if it was kicked. */
  #served(): MaybePromise<void> {
    if (!this.#guest.kicked) return;
    this.#guest.kicked = false;
    return this.#service.kick();
  }

  async #look(what: string): Promise<void> {
    for (const { number, bytes } of await this.#guest.take(what)) {
      // The low half of its number, of which no two are under way at once.
      const behind = this.#submitted - number >>> 0;
      this.#received++;
      this.#answers.push({ id: this.#submitted - behind, bytes });
    }
  }

  #collected(what: string): RingCompletion[] {
    return this.#answers.splice(0).map(({ id, bytes }) => ({ id, bytes: this.#opened(what, bytes) }));
  }

  #opened(what: string, reply: Uint8Array): Uint8Array {
    const opened = fromReply(reply);
    if (opened.ok) return opened.bytes;
    throw new Error(`${what}: ${opened.reason}`);
  }

  #check(what: string): void {
    if (this.#closed) throw new Error(`${what}: the ring is closed; make another one`);
    const { broken } = this.#service;
    if (broken) {
      throw new Error(`${what}: the device has stopped serving the ring: ${broken.message}`, {
        cause: broken,
      });
    }
    this.#guest.check(what);
  }
}

/** Most buffers of one request. */
export const MAX_BUFFERS = 8;
