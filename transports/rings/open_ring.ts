/** A ring that is open: what is submitted, kicked for, answered and collected, between the caller and the driver in the guest. */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { VehicleName } from "../negotiate.ts";
import type { TakenAnswer } from "./guest_driver.ts";
import { fromReply, REPLY_HEAD, requestHead, VERB } from "./request.ts";
import {
  type FullRingOptions,
  MAX_BUFFERS,
  type Ring,
  type RingCode,
  type RingCompletion,
  type RingStats,
  type SubmitOptions,
} from "./ring.ts";
import type { RingService } from "./ring_service.ts";

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
