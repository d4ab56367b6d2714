/** A virtio device behind the MMIO transport's registers: virtio 1.2, section 4.2, version 2 (no legacy interface). */
import type { AccessSize, BusValue } from "../../emulator/machine/bus.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { Device, DeviceContext } from "../../emulator/machine/device.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { ServiceStats } from "../rings/ring_service.ts";
import { STATUS } from "./constants.ts";
import { MAGIC, MMIO_SIZE, REG, VENDOR } from "./mmio_registers.ts";
import { type QueueRegisters, VirtioCore } from "./virtio_core.ts";
import type { VirtioModel } from "./virtio_model.ts";

/** How a device stands on the bus. */
export interface VirtioMmioOptions {
  /** Interrupt line, active as long as its interrupt status is not 0; none if not given: drivers then have to look. */
  readonly irq?: number;
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
  readonly #core: VirtioCore;
  #select = 0;
  #deviceSelect = 0;
  #driverSelect = 0;

  /** A device of a kind; `name` is its name in the VM. */
  constructor(name: string, model: VirtioModel, { irq }: VirtioMmioOptions = {}) {
    this.name = name;
    this.#core = new VirtioCore(name, model, irq);
  }

  /** Why it needs a reset; undefined if it does not. */
  get problem(): string | undefined {
    return this.#core.problem;
  }
  /** What each queue did since it was made ready; undefined for one that is not. */
  get stats(): readonly (Readonly<ServiceStats> | undefined)[] {
    return this.#core.stats;
  }

  /** A register, or bytes of the configuration. */
  read(offset: number, size: AccessSize, context: DeviceContext): BusValue {
    this.#core.reached(context);
    if (offset >= REG.config) return this.#configuration(offset - REG.config, size);
    // 4.2.2.2: 32-bit aligned accesses only.
    if (size !== 4) return size === 8 ? 0n : 0;
    return this.#read(offset) >>> 0;
  }

  /** A register, or bytes of the configuration. */
  write(offset: number, size: AccessSize, value: BusValue, context: DeviceContext): void | Promise<void> {
    this.#core.reached(context);
    if (offset >= REG.config) return this.#configure(offset - REG.config, size, value);
    if (size === 4) return this.#write(offset, Number(value)) as void | Promise<void>;
  }

  /**
   * As a driver's write of a queue's index to QueueNotify: for a `vm.ioevents` match of that register, which takes the
   * notification in the kernel half.
   */
  notify(queue: number): void | Promise<void> {
    return this.#core.notify(queue) as void | Promise<void>;
  }

  /** As a driver's write of 0 to the status register. */
  reset(): void {
    this.#select = this.#deviceSelect = this.#driverSelect = 0;
    this.#core.reset();
  }

  /** As `Device.save`: between two accesses no request is open. */
  save(): SavedState {
    const { status, interrupt, ...rest } = this.#core.save();
    const [select, deviceSelect, driverSelect] = [this.#select, this.#deviceSelect, this.#driverSelect];
    return { status, interrupt, select, deviceSelect, driverSelect, ...rest };
  }

  /** As `Device.load`. */
  load(state: SavedState): void {
    const saved = this.#core.load(state);
    this.#select = saved.whole("select", ONES);
    this.#deviceSelect = saved.whole("deviceSelect", ONES);
    this.#driverSelect = saved.whole("driverSelect", ONES);
  }

  get #queue(): QueueRegisters | undefined {
    return this.#core.queues[this.#select];
  }

  #read(offset: number): number {
    switch (offset) {
      case REG.magic:
        return MAGIC;
      case REG.version:
        return 2;
      case REG.deviceId:
        return this.#core.model.type;
      case REG.vendorId:
        return VENDOR;
      case REG.deviceFeatures:
        return this.#deviceSelect > 1
          ? 0
          : Number(this.#core.offered >> BigInt(32 * this.#deviceSelect) & 0xffff_ffffn);
      case REG.queueSizeMax:
        return this.#core.model.queues[this.#select] ?? 0;
      case REG.queueReady:
        return this.#queue?.ready ? 1 : 0;
      case REG.interruptStatus:
        return this.#core.interrupt;
      case REG.status:
        return this.#core.status;
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
        this.#core.setReady(this.#select, (value & 1) !== 0);
        break;
      case REG.queueNotify:
        return this.#core.notify(value);
      case REG.interruptAck:
        this.#core.setInterrupt(this.#core.interrupt & ~value);
        break;
      case REG.status:
        this.#setStatus(value);
        break;
    }
  }

  #accept(value: number): void {
    const core = this.#core;
    if (core.status & STATUS.featuresOk || this.#driverSelect > 1) return;
    const shift = BigInt(32 * this.#driverSelect);
    core.accepted = core.accepted & ~(0xffff_ffffn << shift) | BigInt(value) << shift;
  }

  #setStatus(value: number): void {
    if (value === 0) this.reset();
    else this.#core.setStatus(value);
  }

  #configure(offset: number, size: AccessSize, value: BusValue): void {
    const { model } = this.#core;
    if (offset + size > model.config().length) return;
    model.configure?.(
      offset,
      Uint8Array.from({ length: size }, (_, i) => Number(BigInt(value) >> BigInt(8 * i) & 0xffn)),
    );
  }

  #configuration(offset: number, size: AccessSize): BusValue {
    const config = this.#core.model.config();
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = value << 8n | BigInt(config[offset + i] ?? 0);
    return size === 8 ? value : Number(value);
  }
}
