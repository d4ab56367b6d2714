/**
 * The driver of a virtio device over vbus, in TypeScript: it has a handle and the guest's memory, and never learns what
 * carries its calls and its doorbell. `scripts/guests/driver/virtio_vbus.c` is the same in C.
 */
import type { Handle } from "../io.ts";
import { bytesToNumber } from "../payload.ts";
import type { RingRam } from "../rings/ring_memory.ts";
import type { RingAnswer } from "../rings/ring_sides.ts";
import { VirtqueueDriver } from "./virtqueue_driver.ts";
import { partSizes } from "../rings/virtqueue_layout.ts";
import { statusName } from "../status.ts";
import { FEATURE, STATUS } from "./constants.ts";
import { VIRTIO_VBUS } from "./vbus_functions.ts";

/** Where a driver's queue is to be. */
export interface VirtioQueueOptions {
  /** Guest-physical address in RAM of `virtioQueueBytes` that nobody else uses; a multiple of 16. */
  readonly gpa: number;
  /** Descriptors, a power of two; as many as the device has at most, and no more than 64, if not given. */
  readonly size?: number;
  /** Bytes that one request has for its buffers and its reply, a multiple of 16: 1024 if not given. */
  readonly bytes?: number;
}

/** What `VirtioVbusDriver.start` begins with. */
export interface VirtioStartOptions {
  /** Feature bits to take of those that the device offers, beside VERSION_1; all that the driver knows if not given. */
  readonly features?: bigint;
  /** The device's queues from the first on. */
  readonly queues: readonly VirtioQueueOptions[];
}

/** A queue of a device that was started. */
export interface VirtioQueue {
  /** Its number. */
  readonly index: number;
  /** Puts a request of buffers into the queue, with room for a reply, and rings if the device wants it. Rejects with `Error` if the queue is full. */
  submit(buffers: readonly Uint8Array[], capacity: number): Promise<number>;
  /** The next request that the device has answered. */
  collect(): RingAnswer | undefined;
  /** `submit`, and the answer. Rejects with `Error` if the device does not answer in the doorbell's exit. */
  request(buffers: readonly Uint8Array[], capacity: number): Promise<Uint8Array>;
}

/** Features that are the queues' business, which this driver knows. */
const KNOWN = FEATURE.eventIdx | FEATURE.version1;

/** Bytes of memory that a queue of `size` descriptors takes, with `bytes` for each request. */
export function virtioQueueBytes(size: number, bytes = 1024): number {
  return layout(0, size).end + bytes * size;
}

/** A function of a virtio device over vbus was refused. */
export class VirtioRefusal extends Error {
  /** What the device answered: a negative errno. */
  readonly status: number;

  /** An error with a message that names device, function and errno. */
  constructor(what: string, status: number) {
    super(`${what}: ${statusName(status)}`);
    this.name = "VirtioRefusal";
    this.status = status;
  }
}

/** The driver. Every method is one call, and rejects with `VirtioRefusal` if the device refuses it. */
export class VirtioVbusDriver {
  readonly #handle: Pick<Handle, "call" | "notify" | "device">;
  readonly #memory: RingRam;

  /** `memory` is the guest's, as `vm.memory`: what the driver does in it costs the guest nothing. */
  constructor(handle: Pick<Handle, "call" | "notify" | "device">, memory: RingRam) {
    this.#handle = handle;
    this.#memory = memory;
  }

  /** Feature bits that the device offers. */
  async features(): Promise<bigint> {
    return bytesToNumber(await this.#call("GET_FEATURES"));
  }
  /** Takes features, among them VERSION_1 (bit 32). */
  async finalizeFeatures(features: bigint): Promise<void> {
    await this.#call("FINALIZE_FEATURES", [features, 8]);
  }
  /** Bytes of the configuration. */
  async get(offset: number, length: number): Promise<Uint8Array> {
    return await this.#call("GET", [offset, 4], [length, 4]);
  }
  /** Writes bytes of the configuration; what cannot be written stays. */
  async set(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#call("SET", [offset, 4], ...Array.from(bytes, (byte): Field => [byte, 1]));
  }
  /** The status: ACKNOWLEDGE 1, DRIVER 2, DRIVER_OK 4, FEATURES_OK 8, DEVICE_NEEDS_RESET 64, FAILED 128. */
  async status(): Promise<number> {
    return Number(bytesToNumber(await this.#call("GET_STATUS")));
  }
  /** Writes the status; 0 resets. */
  async setStatus(status: number): Promise<void> {
    await this.#call("SET_STATUS", [status, 4]);
  }
  /** Back to the first state; queues are forgotten. */
  async reset(): Promise<void> {
    await this.#call("RESET");
  }
  /** Why the device interrupted (1: used buffers, 2: configuration or status), which is cleared by this. */
  async interrupt(): Promise<number> {
    return Number(bytesToNumber(await this.#call("GET_INTERRUPT")));
  }
  /** Most descriptors of a queue. */
  async queueSize(queue: number): Promise<number> {
    return Number(bytesToNumber(await this.#call("GET_QUEUE", [queue, 4])));
  }

  /**
   * Begins as a driver has to (virtio 1.2, 3.1.1): resets, agrees on features, sets the queues, says DRIVER_OK. Throws
   * `Error` if the device does not go along.
   */
  async start({ features = KNOWN, queues }: VirtioStartOptions): Promise<VirtioQueue[]> {
    await this.reset();
    let status: number = STATUS.acknowledge;
    await this.setStatus(status);
    await this.setStatus(status |= STATUS.driver);
    const taken = await this.features() & (features | FEATURE.version1);
    await this.finalizeFeatures(taken);
    await this.setStatus(status |= STATUS.featuresOk);
    if (!(await this.status() & STATUS.featuresOk)) {
      throw new Error(`device "${this.#handle.device}" does not take features 0x${taken.toString(16)}`);
    }
    const list: VirtioQueue[] = [];
    for (const [index, options] of queues.entries()) list.push(await this.#queue(index, taken, options));
    await this.setStatus(status | STATUS.driverOk);
    return list;
  }

  async #queue(index: number, features: bigint, options: VirtioQueueOptions): Promise<VirtioQueue> {
    const { gpa, bytes = 1024 } = options;
    const size = options.size ?? Math.min(await this.queueSize(index), 64);
    const { available, used, end } = layout(gpa, size);
    this.#memory.write(gpa, new Uint8Array(end - gpa));
    await this.#call("SET_QUEUE", [index, 4], [size, 4], [gpa, 8], [available, 8], [used, 8]);
    const place = {
      size,
      descriptors: gpa,
      available,
      used,
      eventIdx: (features & FEATURE.eventIdx) !== 0n,
      indirect: false,
    };
    const ring = new VirtqueueDriver(this.#memory, place, { gpa: end, each: bytes }), handle = this.#handle;
    const submit = async (buffers: readonly Uint8Array[], capacity: number) => {
      const id = ring.submit(buffers, capacity);
      if (id === undefined) throw new Error(`queue ${index} of device "${handle.device}" is full`);
      if (ring.wantsKick()) await handle.notify(index);
      return id;
    };
    return {
      index,
      submit,
      collect: () => ring.collect(),
      async request(buffers, capacity) {
        const id = await submit(buffers, capacity);
        for (let answer = ring.collect(); answer; answer = ring.collect()) {
          if (answer.id === id) return answer.bytes;
        }
        throw new Error(`device "${handle.device}" has not answered the request of queue ${index}`);
      },
    };
  }

  async #call(name: keyof typeof VIRTIO_VBUS, ...fields: readonly Field[]): Promise<Uint8Array> {
    const payload = Uint8Array.from(
      fields.flatMap(([value, bytes]) =>
        Array.from({ length: bytes }, (_, i) => Number(BigInt(value) >> BigInt(8 * i) & 0xffn))
      ),
    );
    const reply = await this.#handle.call(VIRTIO_VBUS[name], payload);
    const what = `${name} of device "${this.#handle.device}"`;
    if (reply.length < 4) throw new Error(`${what}: a reply of ${reply.length} bytes has no status`);
    const status = Number(BigInt.asIntN(32, bytesToNumber(reply.subarray(0, 4))));
    if (status !== 0) throw new VirtioRefusal(what, status);
    return reply.subarray(4);
  }
}

/** A little-endian field of a payload: value and bytes. */
type Field = readonly [value: number | bigint, bytes: number];

/** The parts of a queue one after the other. */
function layout(gpa: number, size: number): { available: number; used: number; end: number } {
  const parts = partSizes(size);
  const available = gpa + parts.descriptors, used = (available + parts.available + 3) & ~3;
  return { available, used, end: (used + parts.used + 15) & ~15 };
}
