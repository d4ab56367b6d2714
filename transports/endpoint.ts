/** The host's end of every vehicle: binds a machine's devices to the hypercall table and to call windows. */
import type { SavedFields } from "../emulator/engine/saved_fields.ts";
import type { SavedState } from "../emulator/engine/saved_state.ts";
import type { Bus, BusHandler, BusRange } from "../emulator/machine/bus.ts";
import type { Attachment } from "../emulator/machine/devices.ts";
import type { Vm } from "../emulator/machine/vm.ts";
import type { HypercallAbi } from "./abi.ts";
import { Bridge } from "./bridge.ts";
import { CallPort } from "./call_port.ts";
import { handleOf, hypercallActions, serveHypercall, type Target } from "./hypercalls.ts";
import { serveMmioHypercalls } from "./mmio_hypercall.ts";
import { HYPERCALL_NAMES, hypercallNumber } from "./numbers.ts";
import { CONFIG_PORT, CONFIG_PORTS, ConfigSpace } from "./pci/config_space.ts";
import { barOf, type PciFunction, placeOf } from "./pci/pci_function.ts";
import { PCI_IO_BASE, PortAllocator } from "./pci_io_window.ts";
import type { VehicleName } from "./negotiate.ts";
import { WINDOW_SIZE } from "./window.ts";
import { registerHandler, windowHandler } from "./window_handler.ts";

/** A device as vehicles reach it. */
export interface BoundDevice extends Target {
  /** x86: first port of its registers and of its call window, or why it has none. */
  readonly ports: Reachable;
  /** Guest-physical address of its registers and of its call window, or why it has none. */
  readonly mmio: Reachable;
  /** PowerPC: the same in the PCI I/O window. */
  readonly pciIo: Reachable;
}

/** Where a device's registers and its call window are, or why they are nowhere. */
export type Reachable =
  | { readonly ok: true; readonly registers: number; readonly call: number }
  | { readonly ok: false; readonly reason: string };

/** One per machine: `createIo` makes it. */
export class Endpoint {
  /** How the guest makes hypercalls, or why it cannot. */
  readonly abi: HypercallAbi | string;
  readonly #vm: Vm;
  readonly #byName = new Map<string, BoundDevice>();
  readonly #byHandle = new Map<number, BoundDevice>();
  readonly #ports = new PortAllocator();
  readonly #unwatch: () => void;
  readonly #unserve: () => void;
  readonly #vehicles: readonly VehicleName[];
  /** How guests discover devices. */
  readonly config: ConfigSpace;
  /** Why there is no configuration space, if its ports are somebody else's. */
  readonly configMissing: string | undefined;
  #bridge: Bridge | undefined;

  /** `vehicles` are those that guests are offered. */
  constructor(vm: Vm, vehicles: readonly VehicleName[]) {
    this.#vm = vm;
    this.#vehicles = vehicles;
    this.config = new ConfigSpace(() => this.functions);
    const abi = vm.hypervisor.abi(vm.backend.name, vm.mode);
    // Bytes lie in registers as the guest's own loads put them there.
    this.abi = typeof abi === "string" ? abi : { ...abi, order: vm.isa.order };
    if (typeof this.abi !== "string") this.#registerHypercalls(this.abi);
    this.#unserve = serveMmioHypercalls(vm, this.abi);
    const config = this.#configRange;
    const taken = withoutRoom(() => config.bus.add(config.range, this.config));
    this.configMissing = typeof taken === "string" ? taken : undefined;
    this.#unwatch = vm.devices.watch((event, attachment) => {
      if (event === "add") this.#bind(attachment);
      else if (event === "remove") this.#unbind(attachment.device.name);
    });
  }

  /** The device `name`; undefined if it is not attached. */
  find(name: string): BoundDevice | undefined {
    return this.#byName.get(name);
  }

  /** The PCI functions that a guest discovers, in the order of their numbers. */
  get functions(): readonly PciFunction[] {
    return [...this.#byHandle.keys()].sort((a, b) => a - b).flatMap((handle) => this.#function(handle) ?? []);
  }

  /** The state of each device's calls, for a snapshot. */
  save(): SavedState {
    return [...this.#byName].map(([name, { port, pciIo }]) => ({
      name,
      port: port.save(),
      pciIo: pciIo.ok ? [pciIo.registers, pciIo.call] : [],
    }));
  }
  /** Puts back what `save` gave. Throws `SyntaxError` for what is none, `RangeError` for devices that stand elsewhere. */
  load(saved: readonly SavedFields[]): void {
    for (const one of saved) {
      const name = one.text("name"), bound = this.#byName.get(name);
      if (!bound) throw new RangeError(`the snapshot has calls of device ${name}, which is not attached`);
      bound.port.load(one.fields("port"));
      const { pciIo } = bound, now = pciIo.ok ? [pciIo.registers, pciIo.call] : [];
      if (one.wholes("pciIo", 2).join() === now.join()) continue;
      throw new RangeError(`device ${name} has another place in the PCI I/O window than in the snapshot`);
    }
  }

  /** The bridge, which stands on the buses from its first use on. Throws `RangeError` if its place is taken. */
  get bridge(): Bridge {
    return this.#bridge ??= new Bridge(this.#vm, this.abi, (handle) => this.#byHandle.get(handle));
  }

  /** Undoes all that was done. */
  close(): void {
    this.#bridge?.close();
    this.#unserve();
    const config = this.#configRange;
    if (this.configMissing === undefined) config.bus.remove(config.range.base);
    this.#unwatch();
    for (const name of [...this.#byName.keys()]) this.#unbind(name);
    const { abi } = this;
    if (typeof abi === "string") return;
    for (const name of HYPERCALL_NAMES) this.#vm.hypercalls.unregister(hypercallNumber(abi, name));
  }

  get #configRange(): { readonly bus: Bus; readonly range: BusRange } {
    const { arch, ports, mmio } = this.#vm;
    const range = { base: CONFIG_PORT, size: CONFIG_PORTS, name: "pci.config" };
    return arch === "x86"
      ? { bus: ports, range }
      : { bus: mmio, range: { ...range, base: PCI_IO_BASE + CONFIG_PORT } };
  }

  /** What is to be discovered of a device; nothing if it takes no calls and no doorbells. */
  #function(handle: number): PciFunction | undefined {
    const bound = this.#byHandle.get(handle), place = placeOf(handle), vehicles = this.#vehicles;
    if (!bound || !place) return undefined;
    const { attachment: { device, window }, mmio, ports, pciIo } = bound;
    if (!device.call && !device.notify) return undefined;
    const bars = (at: Reachable, origin: number, io: 0 | 1) => {
      if (!at.ok) return [];
      const call = barOf(io, at.call - origin, WINDOW_SIZE);
      const registers = barOf(io === 1 ? 3 : 2, at.registers - origin, window.size);
      // A BAR has 32 bits.
      return [call, registers].filter(({ base, size }) => base + size <= 2 ** 32);
    };
    const { abi } = this, callable = typeof abi !== "string" && vehicles.includes("hypercall");
    return {
      name: device.name,
      ...place,
      bars: [
        ...(vehicles.includes("mmio") ? bars(mmio, 0, 0) : []),
        ...(vehicles.includes("pio")
          ? this.#vm.arch === "x86" ? bars(ports, 0, 1) : bars(pciIo, PCI_IO_BASE, 1)
          : []),
      ],
      ...(callable && { hypercall: { handle, ...abi.numbers } }),
    };
  }

  #registerHypercalls(abi: HypercallAbi): void {
    const vm = this.#vm;
    const actions = hypercallActions((attachment) => vm.devices.context(attachment));
    for (const name of HYPERCALL_NAMES) {
      vm.hypercalls.register(hypercallNumber(abi, name), {
        name: `trapsh ${name}`,
        handledIn: ({ registers }) => {
          const bound = this.#byHandle.get(handleOf(registers, abi, vm.memory));
          return bound?.attachment.device.handledIn ?? "userspace";
        },
        call: ({ registers }) => {
          return serveHypercall(
            actions[name],
            registers,
            abi,
            vm.memory,
            (handle) => this.#byHandle.get(handle),
          );
        },
      });
    }
  }

  #bind(attachment: Attachment): void {
    const vm = this.#vm;
    const { name } = attachment.device;
    // A reload puts another device into the attachment's place.
    const now = () => vm.devices.get(name) ?? attachment;
    const port = new CallPort({
      get device() {
        return now().device;
      },
      get context() {
        return vm.devices.context(attachment);
      },
      ram: vm.memory,
    });
    const call = handledBy(now, windowHandler(port));
    const context = () => vm.devices.context(attachment);
    const registers = handledBy(now, registerHandler(() => now().device, context));
    const bound: BoundDevice = {
      get attachment() {
        return now();
      },
      port,
      ports: this.#bindPorts(attachment, call),
      mmio: claim(vm.mmio, attachment.window.gpa, callRange(name, attachment.callWindow.gpa), call),
      pciIo: this.#bindPciIo(attachment, registers, call),
    };
    this.#byName.set(name, bound);
    this.#byHandle.set(attachment.handle, bound);
  }

  #bindPorts({ device, ports, callPorts, portless }: Attachment, call: BusHandler): Reachable {
    if (ports === undefined || callPorts === undefined) {
      return { ok: false, reason: portless ?? "it asked for none" };
    }
    return claim(this.#vm.ports, ports.base, callRange(device.name, callPorts.base), call);
  }

  #bindPciIo({ device, window }: Attachment, registers: BusHandler, call: BusHandler): Reachable {
    const { arch, mmio } = this.#vm;
    if (arch !== "ppc") return { ok: false, reason: "x86 has ports" };
    const first = withoutRoom(() => this.#ports.take(window.size));
    if (typeof first === "string") return { ok: false, reason: first };
    const second = withoutRoom(() => this.#ports.take(WINDOW_SIZE));
    if (typeof second === "string") {
      this.#ports.give(first);
      return { ok: false, reason: second };
    }
    const base = PCI_IO_BASE + first;
    mmio.add({ base, size: window.size, name: `${device.name}.pci` }, registers);
    mmio.add({ ...callRange(device.name, PCI_IO_BASE + second), name: `${device.name}.pci.call` }, call);
    return { ok: true, registers: base, call: PCI_IO_BASE + second };
  }

  #unbind(name: string): void {
    const bound = this.#byName.get(name);
    if (bound === undefined) return;
    this.#byName.delete(name);
    for (const [handle, other] of this.#byHandle) {
      if (other === bound) this.#byHandle.delete(handle);
    }
    const { ports, mmio, pciIo } = bound;
    if (ports.ok) this.#vm.ports.remove(ports.call);
    if (mmio.ok) this.#vm.mmio.remove(mmio.call);
    if (!pciIo.ok) return;
    for (const base of [pciIo.registers, pciIo.call]) {
      this.#vm.mmio.remove(base);
      this.#ports.give(base - PCI_IO_BASE);
    }
  }
}

/** Puts a call window on a bus, unless its place is taken or does not exist. */
function claim(bus: Bus, registers: number, window: BusRange, handler: BusHandler): Reachable {
  const failed = withoutRoom(() => bus.add(window, handler));
  if (typeof failed === "string") return { ok: false, reason: failed };
  return { ok: true, registers, call: window.base };
}

/** What `take` gives, or the message of its `RangeError`. */
function withoutRoom<T>(take: () => T): T | string {
  try {
    return take();
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function callRange(name: string, base: number) {
  return { base, size: WINDOW_SIZE, name: `${name}.call` };
}

/** The handler, completed where the device of the moment says. */
function handledBy(now: () => Attachment, { read, write }: BusHandler): BusHandler {
  return {
    read,
    write,
    get handledIn() {
      return now().device.handledIn;
    },
  };
}
