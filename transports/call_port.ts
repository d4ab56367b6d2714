/** One device's end of its calls, whatever vehicle they come by: takes payloads, runs the handler, keeps replies. */
import type { SavedFields } from "../emulator/engine/saved_fields.ts";
import type { SavedState } from "../emulator/engine/saved_state.ts";
import type { Device, DeviceContext } from "../emulator/machine/device.ts";
import {
  answerDescriptor,
  checkRam,
  type Descriptor,
  type GuestRam,
  MAX_TRANSFER,
  readDescriptor,
} from "./descriptor.ts";
import { guarded } from "./device_failure.ts";
import { after, type MaybePromise } from "./maybe_promise.ts";
import { toBytes } from "./payload.ts";
import { ERRNO, type ErrnoName, Refusal } from "./status.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** What a port needs of the machine; the device may change under it (`reload`). */
export interface PortHost {
  readonly device: Device;
  readonly context: DeviceContext;
  readonly ram: GuestRam;
}

/**
 * Statuses are as in `status.ts`. A request that the port refuses gives the guest an errno and leaves the
 * reason in `refusal`; a handler that throws makes the method throw, so that the run stops with it.
 */
export class CallPort {
  /** Why the last request got an errno; undefined if it did not. */
  refusal: Refusal | undefined;
  readonly #host: PortHost;
  #fn = 0;
  #payload: Uint8Array = NOTHING;
  /** Bytes of the payload that came; -1: no call has begun. */
  #filled = -1;
  #status = 0;
  #reply: Uint8Array = NOTHING;
  #given = 0;
  /** Counts calls, so that the late answer of one that was given up can be told. */
  #turn = 0;

  constructor(host: PortHost) {
    this.#host = host;
  }

  /** The status of the last request; after a success, bytes of the reply that were not given yet. */
  get result(): number {
    if (this.#filled >= 0) return -ERRNO.EAGAIN;
    return this.#status < 0 ? this.#status : this.#reply.length - this.#given;
  }

  /** Sets the function number of the call to come and drops what came of an earlier one. */
  select(fn: number): void {
    this.#forget();
    this.#fn = fn;
  }

  /** Begins a call with a payload of `length` bytes; a payload of none runs it. */
  begin(length: number): MaybePromise<number> {
    this.#forget();
    if (length > MAX_TRANSFER) {
      return this.refuse(
        new Refusal("E2BIG", `a payload of ${length} bytes; at most ${MAX_TRANSFER} are allowed`),
      );
    }
    this.#payload = new Uint8Array(length);
    this.#filled = 0;
    return this.#advance();
  }

  /** Takes further bytes of the payload, those past its end are padding; the last one runs the call. */
  push(bytes: Uint8Array): MaybePromise<number> {
    if (this.#filled < 0) {
      return this.refuse(new Refusal("EINVAL", "payload without a call: begin with FN and LENGTH"));
    }
    const room = this.#payload.length - this.#filled;
    this.#payload.set(bytes.length > room ? bytes.subarray(0, room) : bytes, this.#filled);
    this.#filled += Math.min(bytes.length, room);
    return this.#advance();
  }

  /** The next bytes of the reply, `limit` at most. */
  take(limit: number): Uint8Array {
    const bytes = this.#reply.subarray(this.#given, this.#given + limit);
    this.#given += bytes.length;
    if (this.#given === this.#reply.length) {
      this.#reply = NOTHING;
      this.#given = 0;
    }
    return bytes;
  }

  /** Does what the descriptor at `address` says, and answers in it. */
  doorbell(address: bigint): MaybePromise<number> {
    const ram = this.#host.ram;
    let descriptor: Descriptor;
    try {
      descriptor = readDescriptor(ram, address);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#forget();
      const status = this.refuse(error);
      if (address % 8n === 0n) answerDescriptor(ram, address, status, 0);
      return status;
    }
    if (descriptor.fetch) {
      this.refusal = undefined;
      return this.#answer(descriptor, this.result);
    }
    this.#forget();
    this.#fn = descriptor.fn;
    this.#payload = descriptor.length === 0 ? NOTHING : ram.read(descriptor.data, descriptor.length);
    this.#filled = descriptor.length;
    return after(this.#advance(), (status) => this.#answer(descriptor, status));
  }

  /** Copies the next bytes of the reply to guest RAM and returns how many; for the FETCH hypercall. */
  fetch(gpa: bigint, capacity: number): number {
    try {
      const length = Math.min(capacity, Math.max(this.result, 0));
      checkRam(this.#host.ram, gpa, length, "reply buffer");
      if (length > 0) this.#host.ram.write(gpa, this.take(length));
      return length;
    } catch (error) {
      if (error instanceof Refusal) return this.refuse(error);
      throw error;
    }
  }

  /** Rings for a queue of the device; 0 or -errno. What a call has come to stays as it is. */
  notify(queue: number): MaybePromise<number> {
    const { device, context } = this.#host;
    if (device.notify === undefined) {
      this.refusal = new Refusal("ENOSYS", `device "${device.name}" has no notify()`);
      return -ERRNO.ENOSYS;
    }
    this.refusal = undefined;
    return guarded(
      device.name,
      `notify(${queue})`,
      () => after(device.notify!(queue, context) as MaybePromise<void>, () => 0),
    );
  }

  /** What a call has come to so far, for a snapshot. */
  save(): SavedState {
    return {
      fn: this.#fn,
      payload: this.#payload,
      filled: this.#filled,
      status: this.#status,
      reply: this.#reply,
      given: this.#given,
      refusal: this.refusal ? { errno: this.refusal.errno, message: this.refusal.message } : null,
    };
  }
  /** Puts back what `save` gave. Throws `SyntaxError` for what is none. */
  load(saved: SavedFields): void {
    const payload = saved.bytes("payload"), reply = saved.bytes("reply");
    if (Math.max(payload.length, reply.length) > MAX_TRANSFER) {
      throw new SyntaxError("a call of too many bytes");
    }
    // An answer that is still under way is another machine's.
    this.#forget();
    this.#fn = saved.whole("fn", 0xffff_ffff);
    this.#payload = payload.slice();
    this.#filled = saved.whole("filled", payload.length, -1);
    this.#status = saved.whole("status", 0, -0xffff);
    this.#reply = reply.slice();
    this.#given = saved.whole("given", reply.length);
    if (!saved.has("refusal")) return;
    const refusal = saved.fields("refusal");
    this.refusal = new Refusal(
      refusal.oneOf("errno", Object.keys(ERRNO) as ErrnoName[]),
      refusal.text("message"),
    );
  }

  /** Keeps the reason and returns the status that says it. */
  refuse(refusal: Refusal): number {
    this.refusal = refusal;
    this.#status = -ERRNO[refusal.errno];
    return this.#status;
  }

  #answer(descriptor: Descriptor, status: number): number {
    const ram = this.#host.ram;
    if (status > 0) {
      const part = this.take(descriptor.capacity);
      if (part.length > 0) ram.write(descriptor.reply, part);
    }
    answerDescriptor(ram, descriptor.address, Math.min(status, 0), Math.max(status, 0));
    return status;
  }

  #advance(): MaybePromise<number> {
    if (this.#filled < this.#payload.length) return -ERRNO.EAGAIN;
    const payload = this.#payload;
    this.#payload = NOTHING;
    this.#filled = -1;
    const { device, context } = this.#host;
    if (device.call === undefined) {
      return this.refuse(new Refusal("ENOSYS", `device "${device.name}" has no call()`));
    }
    // What the guest finds should the handler fail, or its exit be given up.
    this.#status = -ERRNO.EIO;
    const turn = this.#turn;
    return guarded(device.name, `call(fn ${this.#fn})`, () => {
      return after(device.call!(this.#fn, payload, context), (reply) => {
        if (turn !== this.#turn) throw new Error("the call was given up before the answer came");
        return this.#keep(reply);
      });
    });
  }

  #keep(answer: Uint8Array | number | bigint | void): number {
    const reply = toBytes(answer, "the reply");
    if (reply.length > MAX_TRANSFER) {
      throw new RangeError(`the reply is ${reply.length} bytes; at most ${MAX_TRANSFER} are allowed`);
    }
    this.#reply = reply;
    this.#given = 0;
    this.#status = 0;
    return reply.length;
  }

  #forget(): void {
    this.#turn++;
    this.refusal = undefined;
    this.#payload = NOTHING;
    this.#filled = -1;
    this.#reply = NOTHING;
    this.#given = 0;
    this.#status = 0;
  }
}
