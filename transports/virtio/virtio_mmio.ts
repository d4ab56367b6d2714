/** A virtio device behind the MMIO transport's registers: virtio 1.2, section 4.2, version 2 (no legacy interface). */
import type { AccessSize, BusValue } from "../../emulator/machine/bus.ts";
import { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { Device, DeviceContext } from "../../emulator/machine/device.ts";
import { after, type MaybePromise } from "../maybe_promise.ts";
import { address, RingError } from "../rings/ring_memory.ts";
import { RingService, type ServiceStats } from "../rings/ring_service.ts";
import type { RingRequest } from "../rings/ring_sides.ts";
import { VirtqueueDevice, type VirtqueueProgress } from "../rings/virtqueue_device.ts";
import { FEATURE, INTERRUPT, MAGIC, MMIO_SIZE, REG, STATUS, VENDOR } from "./mmio_registers.ts";

/** What a kind of virtio device is, whatever its transport. */
export interface VirtioModel {
  /** Device type: section 5. */
  readonly type: number;
  /** Feature bits that it offers beside those of every device. */
  readonly features: bigint;
  /** Largest size of each of its queues. */
  readonly queues: readonly number[];
  /** Its configuration, little-endian; the driver only reads it. */
  config(): Uint8Array;
  /**
   * Answers a request of a queue, with at most its capacity; `features` are what was negotiated. Throws `RingError` for
   * what no sane driver asks: the device then needs a reset.
   */
  serve(
    queue: number,
    request: RingRequest,
    context: DeviceContext,
    features: bigint,
  ): Uint8Array | Promise<Uint8Array>;
  /** False while it has nothing to answer a queue's requests with: they stay where they are. */
  ready?(queue: number): boolean;
  /** Told when it may be ready where it was not. */
  onReady?: (queue: number) => void;
  /** Back to its first state. */
  reset?(): void;
  /** Its own state for a snapshot, as `Device.save`. */
  save(): SavedState;
  /** Puts back what `save` gave. Throws if it cannot. */
  load(state: SavedState | undefined): void;
}

/** How a device stands on the bus. */
export interface VirtioMmioOptions {
  /** Interrupt line, active as long as its interrupt status is not 0; none if not given: drivers then have to look. */
  readonly irq?: number;
}

/** What a queue's driver has written. */
interface QueueRegisters {
  size: number;
  ready: boolean;
  /** Low and high halves: descriptor table, driver area (available ring), device area (used ring). */
  readonly addresses: Record<"descriptors" | "driver" | "device", [low: number, high: number]>;
  ring?: VirtqueueDevice;
  service?: RingService;
  /** Of a queue that a snapshot had, until the device is reached. */
  restored?: VirtqueueProgress;
}

/** Registers by offset that are a half of an address of the selected queue. */
const ADDRESSES: ReadonlyMap<number, readonly ["descriptors" | "driver" | "device", 0 | 1]> = new Map([
  [REG.descriptorsLow, ["descriptors", 0]],
  [REG.descriptorsHigh, ["descriptors", 1]],
  [REG.driverLow, ["driver", 0]],
  [REG.driverHigh, ["driver", 1]],
  [REG.deviceLow, ["device", 0]],
  [REG.deviceHigh, ["device", 1]],
]);
const ONES = 0xffff_ffff;

/** A device for `vm.devices.add`: 512 bytes of registers. */
export class VirtioMmio implements Device {
  /** As given. */
  readonly name: string;
  /** Bytes of registers and configuration. */
  readonly size: number = MMIO_SIZE;
  readonly #model: VirtioModel;
  readonly #irq: number | undefined;
  #queues: QueueRegisters[];
  #status = 0;
  #interrupt = 0;
  #select = 0;
  #deviceSelect = 0;
  #driverSelect = 0;
  #accepted = 0n;
  #problem: string | undefined;
  #context: DeviceContext | undefined;

  /** A device of a kind; `name` is its name in the VM. */
  constructor(name: string, model: VirtioModel, { irq }: VirtioMmioOptions = {}) {
    this.name = name;
    this.#model = model;
    this.#irq = irq;
    this.#queues = model.queues.map(fresh);
    model.onReady = (queue) => {
      const late = this.#serve(queue);
      // From outside of an exit nobody waits: a handler that fails does so at the next one.
      if (late !== undefined) late.catch((error) => this.#needReset(String(error)));
    };
  }

  /** Why it needs a reset; undefined if it does not. */
  get problem(): string | undefined {
    return this.#problem;
  }
  /** What each queue did since it was made ready; undefined for one that is not. */
  get stats(): readonly (Readonly<ServiceStats> | undefined)[] {
    return this.#queues.map(({ service }) => service?.stats);
  }

  /** A register, or bytes of the configuration. */
  read(offset: number, size: AccessSize, context: DeviceContext): BusValue {
    this.#reached(context);
    if (offset >= REG.config) return this.#configuration(offset - REG.config, size);
    // 4.2.2.2: 32-bit aligned accesses only.
    if (size !== 4) return size === 8 ? 0n : 0;
    return this.#read(offset) >>> 0;
  }

  /** A register; the configuration is read-only. */
  write(offset: number, size: AccessSize, value: BusValue, context: DeviceContext): void | Promise<void> {
    this.#reached(context);
    if (size === 4 && offset < REG.config) return this.#write(offset, Number(value)) as void | Promise<void>;
  }

  /**
   * As a driver's write of a queue's index to QueueNotify: for a `vm.ioevents` match of that register, which takes the
   * notification in the kernel half.
   */
  notify(queue: number): void | Promise<void> {
    return this.#serve(queue);
  }

  /** As a driver's write of 0 to the status register. */
  reset(): void {
    this.#queues = this.#model.queues.map(fresh);
    this.#status =
      this.#select =
      this.#deviceSelect =
      this.#driverSelect =
        0;
    this.#accepted = 0n;
    this.#problem = undefined;
    this.#setInterrupt(0);
    this.#model.reset?.();
  }

  /** As `Device.save`: between two accesses no request is open. */
  save(): SavedState {
    return {
      status: this.#status,
      interrupt: this.#interrupt,
      select: this.#select,
      deviceSelect: this.#deviceSelect,
      driverSelect: this.#driverSelect,
      accepted: this.#accepted,
      problem: this.#problem ?? null,
      queues: this.#queues.map(({ size, ready, addresses, ring, restored }) => ({
        size,
        ready,
        addresses: [...addresses.descriptors, ...addresses.driver, ...addresses.device],
        progress: progressList(restored ?? ring?.progress),
      })),
      model: this.#model.save(),
    };
  }

  /** As `Device.load`. */
  load(state: SavedState): void {
    const saved = new SavedFields(state, `virtio device ${this.name}`);
    const count = this.#queues.length;
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
    this.#model.load(saved.raw("model"));
    this.#queues = queues;
    this.#status = saved.whole("status", 0xff);
    this.#interrupt = saved.whole("interrupt", 3);
    this.#select = saved.whole("select", ONES);
    this.#deviceSelect = saved.whole("deviceSelect", ONES);
    this.#driverSelect = saved.whole("driverSelect", ONES);
    this.#accepted = saved.unsigned("accepted");
    this.#problem = saved.has("problem") ? saved.text("problem") : undefined;
  }

  get #offered(): bigint {
    return this.#model.features | FEATURE.indirect | FEATURE.eventIdx | FEATURE.version1;
  }
  get #queue(): QueueRegisters | undefined {
    return this.#queues[this.#select];
  }

  #read(offset: number): number {
    switch (offset) {
      case REG.magic:
        return MAGIC;
      case REG.version:
        return 2;
      case REG.deviceId:
        return this.#model.type;
      case REG.vendorId:
        return VENDOR;
      case REG.deviceFeatures:
        return this.#deviceSelect > 1
          ? 0
          : Number(this.#offered >> BigInt(32 * this.#deviceSelect) & 0xffff_ffffn);
      case REG.queueSizeMax:
        return this.#model.queues[this.#select] ?? 0;
      case REG.queueReady:
        return this.#queue?.ready ? 1 : 0;
      case REG.interruptStatus:
        return this.#interrupt;
      case REG.status:
        return this.#status;
      // No region of shared memory: all ones (4.2.2.1).
      case REG.sharedLengthLow:
      case REG.sharedLengthHigh:
      case REG.sharedBaseLow:
      case REG.sharedBaseHigh:
        return ONES;
      default:
        return 0;
    }
  }

  #write(offset: number, value: number): MaybePromise<void> {
    const half = ADDRESSES.get(offset), queue = this.#queue;
    if (half) {
      if (queue && !queue.ready) queue.addresses[half[0]][half[1]] = value;
      return;
    }
    switch (offset) {
      case REG.deviceFeaturesSelect:
        this.#deviceSelect = value;
        break;
      case REG.driverFeaturesSelect:
        this.#driverSelect = value;
        break;
      case REG.driverFeatures:
        this.#accept(value);
        break;
      case REG.queueSelect:
        this.#select = value;
        break;
      case REG.queueSize:
        if (queue && !queue.ready) queue.size = value;
        break;
      case REG.queueReady:
        this.#setReady(value);
        break;
      case REG.queueNotify:
        return this.#serve(value);
      case REG.interruptAck:
        this.#setInterrupt(this.#interrupt & ~value);
        break;
      case REG.status:
        this.#setStatus(value);
        break;
    }
  }

  #accept(value: number): void {
    if (this.#status & STATUS.featuresOk || this.#driverSelect > 1) return;
    const shift = BigInt(32 * this.#driverSelect);
    this.#accepted = this.#accepted & ~(0xffff_ffffn << shift) | BigInt(value) << shift;
  }

  #setStatus(value: number): void {
    if (value === 0) return this.reset();
    let status = value & 0xff & ~STATUS.needsReset | this.#status & STATUS.needsReset;
    // 2.2.2: the bit stays clear for a set of features that the device does not support.
    const fine = (this.#accepted & ~this.#offered) === 0n && (this.#accepted & FEATURE.version1) !== 0n;
    if (!fine) status &= ~STATUS.featuresOk;
    this.#status = status;
  }

  #setReady(value: number): void {
    const queue = this.#queue;
    if (!queue) return;
    queue.ready = (value & 1) !== 0;
    queue.ring = queue.service = undefined;
    if (queue.ready) this.#makeReady(queue, this.#select);
  }

  #makeReady(queue: QueueRegisters, index: number, progress?: VirtqueueProgress): void {
    const memory = this.#context!.memory, most = this.#model.queues[index];
    this.#checked(() => {
      if (queue.size > most) throw new RangeError(`queue ${index} of ${queue.size}: it has at most ${most}`);
      const at = ([low, high]: readonly [number, number], what: string) =>
        address(BigInt(high) << 32n | BigInt(low), what);
      queue.ring = new VirtqueueDevice(memory, {
        size: queue.size,
        descriptors: at(queue.addresses.descriptors, "the descriptor table"),
        available: at(queue.addresses.driver, "the available ring"),
        used: at(queue.addresses.device, "the used ring"),
        eventIdx: (this.#accepted & FEATURE.eventIdx) !== 0n,
        indirect: (this.#accepted & FEATURE.indirect) !== 0n,
      });
      if (progress) queue.ring.progress = progress;
      queue.service = new RingService(queue.ring, {
        serve: (request) => this.#model.serve(index, request, this.#context!, this.#accepted),
        ready: () => this.#model.ready?.(index) ?? true,
        interrupt: () => this.#setInterrupt(this.#interrupt | INTERRUPT.used),
      });
    });
    this.#look(queue);
  }

  /** An access gives the device its way to memory, which queues of a snapshot wait for. */
  #reached(context: DeviceContext): void {
    this.#context = context;
    this.#queues.forEach((queue, index) => {
      const { restored } = queue;
      if (restored === undefined) return;
      queue.restored = undefined;
      this.#makeReady(queue, index, restored);
    });
  }

  #serve(index: number): MaybePromise<void> {
    const queue = this.#queues[index];
    if (!queue?.service || !(this.#status & STATUS.driverOk) || this.#problem !== undefined) return;
    return after(queue.service.kick(), () => this.#look(queue));
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
    this.#problem = why;
    this.#status |= STATUS.needsReset;
    if (this.#status & STATUS.driverOk) this.#setInterrupt(this.#interrupt | INTERRUPT.config);
  }

  #setInterrupt(status: number): void {
    const changes = (this.#interrupt !== 0) !== (status !== 0);
    this.#interrupt = status;
    if (changes && this.#irq !== undefined) this.#context?.irq(this.#irq, status !== 0);
  }

  #configuration(offset: number, size: AccessSize): BusValue {
    const config = this.#model.config();
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(config[offset + i] ?? 0);
    return size === 8 ? value : Number(value);
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
