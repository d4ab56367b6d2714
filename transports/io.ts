/** One call interface over hypercall, PIO and MMIO: a driver is written against it and never learns the vehicle. */
import { SavedFields } from "../emulator/engine/saved_fields.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import { callXAbi } from "./call_x.ts";
import { DATA_MODES } from "./data_modes.ts";
import { MAX_TRANSFER } from "./descriptor.ts";
import { type BoundDevice, Endpoint } from "./endpoint.ts";
import { type GuestAccess, StubGuestAccess } from "./guest_access.ts";
import { mmioHypercalls } from "./mmio_hypercall.ts";
import { hypercallPage } from "./hypercall_page.ts";
import { type Choice, negotiate, type VehicleName, VEHICLES } from "./negotiate.ts";
import { toBytes } from "./payload.ts";
import type { PciFunction } from "./pci/pci_function.ts";
import { PCI_IO_BASE } from "./pci_io_window.ts";
import { STUB_SLOT } from "./places.ts";
import type { Ring, RingOptions } from "./rings/ring.ts";
import { RingHost } from "./rings/ring_host.ts";
import { StubRunner } from "./stub_runner.ts";
import { HypercallVehicle } from "./vehicles/hypercall.ts";
import { BAR1 } from "./vbus.ts";
import { LogicalVehicle } from "./vehicles/logical.ts";
import { MmioVehicle } from "./vehicles/mmio.ts";
import { BRIDGE_PART } from "./bridge.ts";
import { VBUS_DRIVER_PART, VbusDriver } from "./vehicles/vbus.ts";
import { PioVehicle } from "./vehicles/pio.ts";
import type { DataMode, Vehicle, Wiring } from "./vehicles/vehicle.ts";

/** Of a machine's state, in snapshots. */
const PART = "transports";

/** How a machine's transports are made. */
export interface IoOptions {
  /** Vehicles that guests may use, all if not given: what a policy (attestation, migration) leaves. */
  readonly vehicles?: readonly VehicleName[];
}

/** How a device is opened. */
export interface OpenOptions {
  /** The vehicle to use. If not given: hypercall, then PIO, then MMIO. */
  readonly via?: VehicleName;
  /**
   * How payloads travel. `words`: through registers or the call window, a word at a time. `descriptor`: a call
   * descriptor in guest RAM and one exit. `auto`: by hypercall, registers when they fit; by PIO and MMIO, words
   * up to 8 bytes; else a descriptor.
   *
   * `registers`: packed into a hypercall's registers, or by PIO on x86 into those beside an IN (`pio_callX`).
   * `string`: by REP OUTSD and REP INSD, PIO on x86. `logical`: MMIO as a hypercall, under vmx, svm and kvm-hv.
   * `fastcall`: AlacrityVM's descriptor in RAM that each CPU names once, and one doorbell. `bridge`: the slow call
   * by the same bridge's registers, MMIO only.
   */
  readonly data?: DataMode;
}

/** Options of a register access. */
export interface AccessOptions {
  /** Gives up waiting for a device that does not answer. */
  readonly signal?: AbortSignal;
}

/** Options of a call. */
export interface CallOptions extends AccessOptions {
  /** Bytes to have ready for the reply, 12 KiB if not given: a longer one costs a further exit. */
  readonly reply?: number;
}

/** A device, opened. */
export interface Handle {
  /** The device's name. */
  readonly device: string;
  /** What it rides on. */
  readonly via: VehicleName;
  /** For people: `via`, and what it stands in for. */
  readonly label: string;
  /** Why this vehicle, why others were passed over, what it cannot do at once. */
  readonly why: readonly string[];
  /** How payloads travel, as it was opened. */
  readonly data: DataMode;
  /** Reads a register: `size` is 1, 2, 4 or 8 bytes, `offset` counts from the device's first. */
  read(offset: number, size: number, options?: AccessOptions): Promise<bigint>;
  /** Writes the low `size` bytes of `value` to a register. */
  write(offset: number, size: number, value: number | bigint, options?: AccessOptions): Promise<void>;
  /**
   * Calls the device and gives its reply. A number travels as 8 bytes, little-endian, on every architecture;
   * the device sees the same bytes everywhere. Payload and reply are at most 16 MiB each.
   *
   * Rejects with `RangeError` before anything runs if an argument is out of range; with `Error` that names device
   * and fn if the device fails or refuses, if the stub does not trap, or in the middle of an exit.
   */
  call(fn: number, data?: Uint8Array | number | bigint, options?: CallOptions): Promise<Uint8Array>;
  /**
   * Rings the device's doorbell for a queue of its own (`Device.notify`), by the same vehicle: one exit. `queue` is a
   * number of 32 bits. Rejects with `Error` if the device has no doorbell.
   */
  notify(queue: number, options?: AccessOptions): Promise<void>;
  /**
   * Makes a ring of requests in the guest's memory, whose doorbell rides on the handle's vehicle. Throws `RangeError` for
   * options that cannot be.
   */
  ring(options?: RingOptions): Promise<Ring>;
  /** Further use of the handle is an error; its rings are closed by themselves. */
  close(): void;
}

/** A machine's transports. */
export interface Io {
  /** Opens a device of the machine by name. Rejects with `Error` if that vehicle cannot reach it, with the reason. */
  open(name: string, options?: OpenOptions): Promise<Handle>;
  /** Single accesses and hypercalls by real guest code, device or not. */
  readonly guest: GuestAccess;
  /**
   * What a guest's own driver finds in PCI's configuration space (ports 0xcf8 and 0xcfc, on PowerPC in the PCI I/O window):
   * a function for each device that takes calls or doorbells, with what `IoOptions.vehicles` leaves.
   */
  readonly functions: readonly PciFunction[];
  /** Rings that are open, by number: after a restore, those that were open when the machine was saved. */
  readonly rings: readonly Ring[];
  /** Takes the transports off the machine. */
  close(): void;
}

/**
 * The transports of a machine. Throws `Error` if it has them already. On a restored machine that had them when it was
 * saved, calls go on where they were.
 */
export function createIo(vm: Vm, options: IoOptions = {}): Io {
  const endpoint = new Endpoint(vm, options.vehicles ?? VEHICLES);
  const runner = new StubRunner(vm);
  const rings = new RingHost(runner, endpoint.abi, (name) => endpoint.find(name)?.attachment);
  try {
    vm.parts.add(PART, {
      save: () => ({
        endpoint: endpoint.save(),
        runner: runner.save(),
        config: endpoint.config.save(),
        rings: rings.save(),
      }),
      load(state) {
        const saved = new SavedFields(state, PART);
        runner.load(saved.fields("runner"));
        endpoint.load(saved.records("endpoint", 0xffff));
        // Files of before have neither.
        if (saved.has("config")) endpoint.config.load(saved.fields("config"));
        if (saved.has("rings")) rings.load(saved.fields("rings"));
      },
    });
  } catch (error) {
    rings.abandon();
    endpoint.close();
    throw error;
  }
  let driver: VbusDriver | undefined;
  const vbus = () => driver ??= new VbusDriver(runner, endpoint.bridge);
  // A guest of its own may go on with either.
  if (vm.parts.waiting.includes(BRIDGE_PART)) void endpoint.bridge;
  if (vm.parts.waiting.includes(VBUS_DRIVER_PART)) vbus();
  return {
    async open(name, { via, data = "auto" } = {}) {
      const bound = endpoint.find(name);
      if (bound === undefined) {
        const known = vm.devices.list().map(({ device }) => device.name).join(", ");
        throw new Error(`there is no device "${name}"; there ${known === "" ? "are none" : `is ${known}`}`);
      }
      if (!DATA_MODES.includes(data)) {
        throw new TypeError(`there is no data mode "${data}"; there are ${DATA_MODES.join(", ")}`);
      }
      const choice = negotiate(vm, bound, via, options.vehicles ?? VEHICLES, data);
      // What a driver asks of the hypervisor when it starts is no call's cost. In an exit it has to wait.
      const byPage = typeof endpoint.abi !== "string" && endpoint.abi.entry.by === "page";
      if (choice.via === "hypercall" && byPage && !vm.busy) {
        const what = `open device "${name}"`;
        await runner.exclusive(what, () => hypercallPage(runner, what));
      }
      return new OpenHandle(endpoint, runner, rings, vbus, name, choice, data);
    },
    guest: new StubGuestAccess(runner, endpoint.abi),
    get functions() {
      return endpoint.configMissing === undefined ? endpoint.functions : [];
    },
    get rings() {
      return rings.rings;
    },
    close() {
      vm.parts.remove(PART);
      rings.close();
      driver?.close();
      endpoint.close();
      runner.close();
    },
  };
}

class OpenHandle implements Handle {
  readonly device: string;
  readonly via: VehicleName;
  readonly label: string;
  readonly why: readonly string[];
  readonly data: DataMode;
  readonly #endpoint: Endpoint;
  readonly #runner: StubRunner;
  readonly #rings: RingHost;
  readonly #choice: Choice;
  readonly #vbus: () => VbusDriver;
  #closed = false;

  constructor(
    endpoint: Endpoint,
    runner: StubRunner,
    rings: RingHost,
    vbus: () => VbusDriver,
    device: string,
    choice: Choice,
    data: DataMode,
  ) {
    this.#vbus = vbus;
    this.#endpoint = endpoint;
    this.#runner = runner;
    this.#rings = rings;
    this.#choice = choice;
    this.device = device;
    this.via = choice.via;
    this.label = choice.label;
    this.why = choice.why;
    this.data = data;
  }

  async call(
    fn: number,
    data: Uint8Array | number | bigint = new Uint8Array(0),
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    const what = `call(fn ${fn}) of device "${this.device}" by ${this.label}`;
    if (!Number.isInteger(fn) || fn < 0 || fn > 0xffff_ffff) {
      throw new RangeError(`${what}: a function number is an integer of 32 bits, 0 to 4294967295`);
    }
    const bytes = toBytes(data, `${what}: the payload`);
    const capacity = options.reply ?? STUB_SLOT.chunk;
    if (!Number.isInteger(capacity) || capacity < 0) {
      throw new RangeError(`${what}: reply is ${capacity}; give a number of bytes`);
    }
    for (const [name, size] of [["payload", bytes.length], ["reply buffer", capacity]] as const) {
      if (size > MAX_TRANSFER) {
        throw new RangeError(
          `${what}: the ${name} is ${size} bytes; at most ${MAX_TRANSFER} (16 MiB) are carried`,
        );
      }
    }
    const { vehicle } = this.#reach(what);
    const request = { what, fn, bytes, capacity, data: this.data, signal: options.signal };
    return await this.#runner.exclusive(what, () => vehicle.call(request));
  }

  async read(offset: number, size: number, options: AccessOptions = {}): Promise<bigint> {
    const what = `read(${offset}, ${size}) of device "${this.device}" by ${this.label}`;
    const { vehicle, step } = this.#access(what, offset, size);
    return await this.#runner.exclusive(what, async () => {
      let value = 0n;
      for (let at = 0; at < size; at += step) {
        const part = await vehicle.read({ what, offset: offset + at, size: step, signal: options.signal });
        value |= part << BigInt(8 * at);
      }
      return value;
    });
  }

  async write(
    offset: number,
    size: number,
    value: number | bigint,
    options: AccessOptions = {},
  ): Promise<void> {
    const what = `write(${offset}, ${size}) of device "${this.device}" by ${this.label}`;
    const { vehicle, step } = this.#access(what, offset, size);
    const bits = 8 * size;
    const wide = BigInt(value);
    if (BigInt.asUintN(bits, wide) !== wide && BigInt.asIntN(bits, wide) !== wide) {
      throw new RangeError(`${what}: ${value} does not fit in ${size} bytes`);
    }
    await this.#runner.exclusive(what, async () => {
      for (let at = 0; at < size; at += step) {
        const part = BigInt.asUintN(8 * step, BigInt.asUintN(bits, wide) >> BigInt(8 * at));
        await vehicle.write({ what, offset: offset + at, size: step, signal: options.signal }, part);
      }
    });
  }

  async notify(queue: number, options: AccessOptions = {}): Promise<void> {
    const what = `notify(${queue}) of device "${this.device}" by ${this.label}`;
    if (!Number.isInteger(queue) || queue < 0 || queue > 0xffff_ffff) {
      throw new RangeError(`${what}: a queue is a number of 32 bits, 0 to 4294967295`);
    }
    const { vehicle, bound } = this.#reach(what);
    if (bound.attachment.device.notify === undefined) {
      throw new Error(`${what}: the device has no notify(), it is called without queues`);
    }
    const request = { what, queue, signal: options.signal };
    await this.#runner.exclusive(what, () => vehicle.notify(request));
  }

  async ring(options: RingOptions = {}): Promise<Ring> {
    const what = `ring() of device "${this.device}" by ${this.label}`;
    this.#reach(what);
    return await this.#rings.open({ name: this.device, choice: this.#choice }, options);
  }

  close(): void {
    this.#closed = true;
  }

  /** The vehicle, and the bytes of each access that `size` bytes are made of. */
  #access(what: string, offset: number, size: number): { vehicle: Vehicle; step: 1 | 2 | 4 | 8 } {
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) {
      throw new RangeError(`${what}: a register access is 1, 2, 4 or 8 bytes`);
    }
    const { vehicle, bound } = this.#reach(what);
    const registers = bound.attachment.window.size;
    if (!Number.isInteger(offset) || offset < 0 || offset + size > registers) {
      throw new RangeError(`${what}: the device has ${registers} bytes of registers`);
    }
    return { vehicle, step: size > vehicle.widest ? vehicle.widest : size };
  }

  #reach(what: string): { vehicle: Vehicle; bound: BoundDevice } {
    if (this.#closed) throw new Error(`${what}: the handle is closed; open the device again`);
    const bound = this.#endpoint.find(this.device);
    if (bound === undefined) throw new Error(`${what}: the device is no longer attached`);
    return { vehicle: this.#vehicle(bound), bound };
  }

  #vehicle(bound: BoundDevice): Vehicle {
    const wiring: Wiring = { runner: this.#runner, port: bound.port };
    const place = this.#choice.pciIo === true ? bound.pciIo : this.via === "pio" ? bound.ports : bound.mmio;
    const { abi } = this.#endpoint, { vm } = this.#runner, { handle } = bound.attachment;
    if (this.via === "hypercall") {
      if (typeof abi === "string") throw new Error(`no hypercalls: ${abi}`);
      if (this.data === "logical") {
        if (!bound.mmio.ok) throw new Error(`device "${this.device}" is out of reach: ${bound.mmio.reason}`);
        const calls = mmioHypercalls(vm, abi);
        if (typeof calls === "string") throw new Error(calls);
        return new LogicalVehicle(wiring, abi, calls, bound.mmio);
      }
      const vehicle = new HypercallVehicle(wiring, abi, handle);
      return this.data === "fastcall" ? this.#byVbus(wiring, vehicle, handle) : vehicle;
    }
    // A device of the same name may have come in its place.
    if (!place.ok) {
      throw new Error(`device "${this.device}" is out of reach by ${this.label} now: ${place.reason}`);
    }
    if (this.via === "pio") {
      const inKernel = () => this.#endpoint.find(this.device)?.attachment.device.handledIn === "kernel";
      const vehicle = new PioVehicle(wiring, place, inKernel);
      if (this.data === "registers") {
        const port = BigInt(this.#endpoint.bridge.place.bar1.ports + BAR1.callX);
        const packed = new HypercallVehicle(wiring, callXAbi(vm.mode), handle, { edx: port });
        return withCall(vehicle, (request) => packed.call(request));
      }
      return this.data === "fastcall" ? this.#byVbus(wiring, vehicle, handle) : vehicle;
    }
    const widest = vm.mode === 64 && this.#choice.pciIo !== true ? 8 : 4;
    const vehicle = new MmioVehicle(wiring, { ...place, widest });
    const vbus = this.data === "fastcall" || this.data === "bridge";
    return vbus ? this.#byVbus(wiring, vehicle, handle) : vehicle;
  }

  /** A vehicle whose calls go by vbus's bridge. */
  #byVbus(wiring: Wiring, vehicle: Vehicle, handle: number): Vehicle {
    const driver = this.#vbus(), { bar0, bar1 } = driver.bridge.place;
    const doorbell = this.data === "bridge"
      ? { kind: "bridge", target: bar0 } as const
      : this.via === "hypercall"
      ? { kind: "hypercall", target: 0 } as const
      : this.via === "pio"
      ? { kind: "pio", target: bar1.ports + BAR1.fastcall } as const
      : {
        kind: "mmio",
        target: (this.#choice.pciIo === true ? PCI_IO_BASE + bar1.ports : bar1.memory) + BAR1.fastcall,
      } as const;
    return withCall(vehicle, (request) => driver.call(wiring, handle, doorbell, request));
  }
}

/** A vehicle with calls of another kind. */
function withCall(vehicle: Vehicle, call: Vehicle["call"]): Vehicle {
  return {
    widest: vehicle.widest,
    call,
    read: (request) => vehicle.read(request),
    write: (request, value) => vehicle.write(request, value),
    notify: (request) => vehicle.notify(request),
  };
}

export type { HypercallResult } from "./guest_access.ts";
export type { Ring, RingCode, RingCompletion, RingOptions, RingStats, SubmitOptions } from "./rings/ring.ts";
export { DRIVER as RING_BLOCK } from "./rings/driver_block.ts";
export type { PciBar, PciFunction } from "./pci/pci_function.ts";
export type { DataMode, GuestAccess, VehicleName };
