/** A virtio device behind whichever transport: status, features, queues and the interrupt's cause (virtio 1.2, section 2). */
import { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { DeviceContext } from "../../emulator/machine/device.ts";
import { after, type MaybePromise } from "../maybe_promise.ts";
import { address, RingError } from "../rings/ring_memory.ts";
import { RingService, type ServiceStats } from "../rings/ring_service.ts";
import { VirtqueueDevice, type VirtqueueProgress } from "../rings/virtqueue_device.ts";
import { FEATURE, INTERRUPT, STATUS } from "./constants.ts";
import type { VirtioModel } from "./virtio_model.ts";

/** The halves of an address, low first, as 32-bit registers have them. */
export type Halves = [low: number, high: number];

/** What a queue's driver has written. */
export interface QueueRegisters {
  size: number;
  ready: boolean;
  /** Descriptor table, driver area (available ring), device area (used ring). */
  readonly addresses: Record<"descriptors" | "driver" | "device", Halves>;
  ring?: VirtqueueDevice;
  service?: RingService;
  /** Of a queue that a snapshot had, until the device is reached. */
  restored?: VirtqueueProgress;
}

const ONES = 0xffff_ffff;

/** A device's state, whose transport says what its driver wants. */
export class VirtioCore {
  readonly model: VirtioModel;
  queues: QueueRegisters[];
  status = 0;
  interrupt = 0;
  accepted = 0n;
  /** Why it needs a reset; undefined if it does not. */
  problem: string | undefined;
  readonly #name: string;
  readonly #irq: number | undefined;
  #context: DeviceContext | undefined;

  constructor(name: string, model: VirtioModel, irq: number | undefined) {
    this.#name = name;
    this.model = model;
    this.#irq = irq;
    this.queues = model.queues.map(fresh);
    model.onReady = (queue) => {
      const late = this.notify(queue);
      // From outside of an exit nobody waits: a handler that fails does so at the next one.
      if (late !== undefined) late.catch((error) => this.#needReset(String(error)));
    };
  }

  /** What each queue did since it was made ready; undefined for one that is not. */
  get stats(): readonly (Readonly<ServiceStats> | undefined)[] {
    return this.queues.map(({ service }) => service?.stats);
  }
  /** Features of the model and of every device. */
  get offered(): bigint {
    return this.model.features | FEATURE.indirect | FEATURE.eventIdx | FEATURE.version1;
  }
  /** Whether a driver's features are a set that the device can work with: 2.2.2. */
  get agreed(): boolean {
    return (this.accepted & ~this.offered) === 0n && (this.accepted & FEATURE.version1) !== 0n;
  }

  /** Back to its first state. */
  reset(): void {
    this.queues = this.model.queues.map(fresh);
    this.status = 0;
    this.accepted = 0n;
    this.problem = undefined;
    this.setInterrupt(0);
    this.model.reset?.();
  }

  /** What a driver writes to the status: 0 resets, FEATURES_OK stays clear for features that are not agreed upon. */
  setStatus(value: number): void {
    if (value === 0) return this.reset();
    let status = value & 0xff & ~STATUS.needsReset | this.status & STATUS.needsReset;
    if (!this.agreed) status &= ~STATUS.featuresOk;
    this.status = status;
  }

  /** Makes a queue ready by what its registers say, or takes it out of use. */
  setReady(index: number, ready: boolean): void {
    const queue = this.queues[index];
    if (!queue) return;
    queue.ready = ready;
    queue.ring = queue.service = undefined;
    if (ready) this.#makeReady(queue, index);
  }

  /** An access gives the device its way to memory, which queues of a snapshot wait for. */
  reached(context: DeviceContext): void {
    this.#context = context;
    this.queues.forEach((queue, index) => {
      const { restored } = queue;
      if (restored === undefined) return;
      queue.restored = undefined;
      this.#makeReady(queue, index, restored);
    });
  }

  /** Serves a queue; nothing happens for one that is not ready, or before DRIVER_OK. */
  notify(index: number): MaybePromise<void> {
    const queue = this.queues[index];
    if (!queue?.service || !(this.status & STATUS.driverOk) || this.problem !== undefined) return;
    return after(queue.service.kick(), () => this.#look(queue));
  }

  setInterrupt(status: number): void {
    const changes = (this.interrupt !== 0) !== (status !== 0);
    this.interrupt = status;
    if (changes && this.#irq !== undefined) this.#context?.irq(this.#irq, status !== 0);
  }

  /** Between two accesses no request is open. */
  save(): Record<string, SavedState> {
    return {
      status: this.status,
      interrupt: this.interrupt,
      accepted: this.accepted,
      problem: this.problem ?? null,
      queues: this.queues.map(({ size, ready, addresses, ring, restored }) => ({
        size,
        ready,
        addresses: [...addresses.descriptors, ...addresses.driver, ...addresses.device],
        progress: progressList(restored ?? ring?.progress),
      })),
      model: this.model.save(),
    };
  }

  /** Puts back what `save` gave, and returns its fields for those of the transport. Throws if it cannot. */
  load(state: SavedState): SavedFields {
    const saved = new SavedFields(state, `virtio device ${this.#name}`);
    const count = this.queues.length;
    const queues = saved.records("queues", count, count).map((one): QueueRegisters => {
      const [a, b, c, d, e, f] = exactly(6, one.wholes("addresses", 6, ONES));
      const progress = one.has("progress") ? exactly(3, one.wholes("progress", 3, 0xffff)) : undefined;
      return {
        size: one.whole("size", ONES),
        ready: one.flag("ready"),
        addresses: { descriptors: [a, b], driver: [c, d], device: [e, f] },
        restored: progress && { taken: progress[0], used: progress[1], told: progress[2] },
      };
    });
    this.model.load(saved.raw("model"));
    this.queues = queues;
    this.status = saved.whole("status", 0xff);
    this.interrupt = saved.whole("interrupt", 3);
    this.accepted = saved.unsigned("accepted");
    this.problem = saved.has("problem") ? saved.text("problem") : undefined;
    return saved;
  }

  #makeReady(queue: QueueRegisters, index: number, progress?: VirtqueueProgress): void {
    const memory = this.#context!.memory, most = this.model.queues[index];
    this.#checked(() => {
      if (queue.size > most) throw new RangeError(`queue ${index} of ${queue.size}: it has at most ${most}`);
      const at = ([low, high]: Readonly<Halves>, what: string) =>
        address(BigInt(high) << 32n | BigInt(low), what);
      queue.ring = new VirtqueueDevice(memory, {
        size: queue.size,
        descriptors: at(queue.addresses.descriptors, "the descriptor table"),
        available: at(queue.addresses.driver, "the available ring"),
        used: at(queue.addresses.device, "the used ring"),
        eventIdx: (this.accepted & FEATURE.eventIdx) !== 0n,
        indirect: (this.accepted & FEATURE.indirect) !== 0n,
      });
      if (progress) queue.ring.progress = progress;
      queue.service = new RingService(queue.ring, {
        serve: (request) => this.model.serve(index, request, this.#context!, this.accepted),
        ready: () => this.model.ready?.(index) ?? true,
        interrupt: () => this.setInterrupt(this.interrupt | INTERRUPT.used),
      });
    });
    this.#look(queue);
  }

  #look({ service }: QueueRegisters): void {
    if (service?.broken) this.#needReset(service.broken.message);
  }

  #checked(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RingError || error instanceof RangeError)) throw error;
      this.#needReset(error.message);
    }
  }

  /** 2.1.2: a driver that is up is told by a change of the configuration. */
  #needReset(why: string): void {
    this.problem = why;
    this.status |= STATUS.needsReset;
    if (this.status & STATUS.driverOk) this.setInterrupt(this.interrupt | INTERRUPT.config);
  }
}

function exactly(length: number, list: readonly number[]): readonly number[] {
  if (list.length === length) return list;
  throw new SyntaxError(`a virtio queue has ${list.length} numbers where ${length} belong`);
}

function progressList(progress: VirtqueueProgress | undefined): number[] | null {
  return progress ? [progress.taken, progress.used, progress.told] : null;
}

function fresh(): QueueRegisters {
  return { size: 0, ready: false, addresses: { descriptors: [0, 0], driver: [0, 0], device: [0, 0] } };
}
