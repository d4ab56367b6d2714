/** The devices of a VM: where each is mapped, and the way from a bus to its handlers. */
import type { AccessSize, Bus, BusHandler, BusValue } from "./bus.ts";
import { checkDevice, type Device, type DeviceContext } from "./device.ts";
import type { GuestMemory } from "./memory.ts";

/** A range of ports or guest-physical addresses. */
export interface AddressRange {
  /** First address. */
  readonly base: number;
  /** Bytes. */
  readonly size: number;
}

/** A device and its addresses, which stay the same when it is reloaded. */
export interface Attachment {
  /** What answers there now. */
  readonly device: Device;
  /** Its number in hypercalls, 1 to 0xffff. */
  readonly handle: number;
  /** I/O ports of its registers; undefined on architectures without port I/O, or where the ports ran out. */
  readonly ports?: AddressRange;
  /** Guest-physical addresses of its registers. */
  readonly window: { readonly gpa: number; readonly size: number };
  /** Room for a transport's call window, claimed by the transport. */
  readonly callPorts?: AddressRange;
  /** The same among guest-physical addresses. */
  readonly callWindow: { readonly gpa: number; readonly size: number };
  /** Why it has no ports, if it has none. */
  readonly portless?: string;
}

/** Where a device is to stand; what is not given is chosen. */
export interface AttachOptions {
  /** First I/O port of its registers, x86 only. */
  readonly port?: number;
  /** Guest-physical address of its registers. */
  readonly gpa?: number;
  /** Its number in hypercalls, 1 to 0xffff. */
  readonly handle?: number;
}

/** What became of a device. */
export type DeviceEvent = "add" | "remove" | "reload";

/** Where devices go that ask for no address. */
export interface DeviceSpace {
  /** First free port, or undefined on an architecture without ports. */
  readonly ports: number | undefined;
  /** Guest-physical addresses for windows. */
  readonly windows: AddressRange;
}

const CALL_WINDOW = 0x20;
const PAGE = 4096;

/** The devices of a VM by name. */
export class Devices {
  readonly #ports: Bus;
  readonly #mmio: Bus;
  readonly #space: DeviceSpace;
  readonly #memory: Pick<GuestMemory, "slots">;
  readonly #contextFor: (device: Device) => DeviceContext;
  readonly #attached = new Map<string, { attachment: Attachment; live: Live }>();
  readonly #watchers = new Set<(event: DeviceEvent, attachment: Attachment) => void>();

  /** @internal */
  constructor(
    ports: Bus,
    mmio: Bus,
    space: DeviceSpace,
    memory: Pick<GuestMemory, "slots">,
    contextFor: (device: Device) => DeviceContext,
  ) {
    this.#memory = memory;
    this.#ports = ports;
    this.#mmio = mmio;
    this.#space = space;
    this.#contextFor = contextFor;
  }

  /**
   * Maps a device's registers on the buses and gives it a handle. Throws `TypeError` for what is no device,
   * `RangeError` for a name or address that is taken, or when there is no room; nothing is mapped then.
   */
  add(device: Device, options: AttachOptions = {}): Attachment {
    checkDevice(device);
    if (this.#attached.has(device.name)) {
      throw new RangeError(
        `there is a device ${device.name} already: remove it, or reload it with the new one`,
      );
    }
    const live = new Live(device, this.#contextFor(device));
    return this.#attach(live, this.#place(device, live, options));
  }

  /**
   * Maps a device just where another one, of a VM like this, was: see `add`.
   *
   * @internal
   */
  addAt(device: Device, place: Omit<Attachment, "device">): Attachment {
    checkDevice(device);
    if (windowSize(device) !== place.window.size) {
      throw new RangeError(
        `device ${device.name} has ${windowSize(device)} bytes of registers, ${place.window.size} were there`,
      );
    }
    if (this.#attached.has(device.name) || this.list().some(({ handle }) => handle === place.handle)) {
      throw new RangeError(`the name or the handle of device ${device.name} is taken`);
    }
    return this.#attach(new Live(device, this.#contextFor(device)), { ...place, device });
  }

  #attach(live: Live, attachment: Attachment): Attachment {
    const { device } = live;
    const { gpa, size } = attachment.window;
    const memory = this.#memory.slots.find((slot) => gpa < slot.gpa + slot.size && slot.gpa < gpa + size);
    if (memory) {
      throw new RangeError(
        `guest-physical 0x${
          gpa.toString(16)
        } of ${device.name} lies in memory slot ${memory.name}: no access ` +
          `would reach the device`,
      );
    }
    this.#mmio.add({ base: gpa, size, name: device.name }, live);
    try {
      if (attachment.ports) this.#ports.add({ ...attachment.ports, name: device.name }, live);
    } catch (error) {
      this.#mmio.remove(attachment.window.gpa);
      throw error;
    }
    this.#attached.set(device.name, { attachment, live });
    this.#tell("add", attachment);
    return attachment;
  }

  /** Takes a device away; false if there is none of that name. */
  remove(name: string): boolean {
    const found = this.#attached.get(name);
    if (!found) return false;
    const { attachment } = found;
    this.#tell("remove", attachment);
    this.#mmio.remove(attachment.window.gpa);
    if (attachment.ports) this.#ports.remove(attachment.ports.base);
    this.#attached.delete(name);
    return true;
  }

  /** Puts a new device in the place of one of the same name and size: addresses and open handles stay good. */
  reload(name: string, device: Device): Attachment {
    checkDevice(device);
    const found = this.#attached.get(name);
    if (!found) throw new RangeError(`there is no device ${name} to reload: ${this.#names()}`);
    if (device.name !== name) {
      throw new RangeError(`the device is named ${device.name} now, not ${name}: add it as a new one`);
    }
    if (windowSize(device) !== found.attachment.window.size) {
      throw new RangeError(
        `device ${name} has ${
          windowSize(device)
        } bytes of registers now, not ${found.attachment.window.size}: remove and add it`,
      );
    }
    found.live.device = device;
    found.live.context = this.#contextFor(device);
    found.attachment = { ...found.attachment, device };
    this.#tell("reload", found.attachment);
    return found.attachment;
  }

  /** A device with its addresses. */
  get(name: string): Attachment | undefined {
    return this.#attached.get(name)?.attachment;
  }
  /** Oldest first. */
  list(): readonly Attachment[] {
    return [...this.#attached.values()].map(({ attachment }) => attachment);
  }

  /** What the device's handlers get as their context. */
  context(attachment: Attachment): DeviceContext {
    const found = this.#attached.get(attachment.device.name);
    if (!found) throw new RangeError(`there is no device ${attachment.device.name}: ${this.#names()}`);
    return found.live.context;
  }

  /** Calls `watcher` for every device that is there and whenever one comes, goes or is reloaded. */
  watch(watcher: (event: DeviceEvent, attachment: Attachment) => void): () => void {
    this.#watchers.add(watcher);
    for (const attachment of this.list()) watcher("add", attachment);
    return () => this.#watchers.delete(watcher);
  }

  /** Resets every device that can be. */
  reset(): void {
    for (const { live } of this.#attached.values()) live.device.reset?.();
  }

  #tell(event: DeviceEvent, attachment: Attachment): void {
    for (const watcher of this.#watchers) watcher(event, attachment);
  }

  #names(): string {
    return this.#attached.size === 0
      ? "there are none"
      : `there are ${[...this.#attached.keys()].join(", ")}`;
  }

  #place(device: Device, live: Live, { port, gpa, handle }: AttachOptions): Attachment {
    const size = windowSize(device);
    const list = this.list();
    const taken = new Set(list.map((one) => one.handle));
    const own = handle ?? firstFree(1, 0xffff, (n) => !taken.has(n));
    if (own === undefined || taken.has(own) || !Number.isInteger(own) || own < 1 || own > 0xffff) {
      throw new RangeError(
        `no handle ${handle ?? ""} for device ${live.device.name}: handles are 1 to 0xffff, each once`,
      );
    }
    const window = { gpa: gpa ?? this.#freeWindow(size, list), size };
    const callWindow = { gpa: Math.ceil((window.gpa + size) / CALL_WINDOW) * CALL_WINDOW, size: CALL_WINDOW };
    const ports = this.#freePorts(device.name, size, list, port);
    if (typeof ports !== "object") return { device, handle: own, window, callWindow, portless: ports };
    const callPorts = { base: ports.base + size + padding(size), size: CALL_WINDOW };
    return { device, handle: own, ports, window, callPorts, callWindow };
  }

  #freeWindow(size: number, list: readonly Attachment[]): number {
    const { base, size: room } = this.#space.windows;
    // A page each, as a PCI function's BAR: the first touch of each is an exit of its own kind on vmx.
    const pages = Math.ceil((size + padding(size) + CALL_WINDOW) / PAGE);
    const free = (at: number) =>
      this.#mmio.isFree(at, pages * PAGE) &&
      list.every(({ window, callWindow }) =>
        at + pages * PAGE <= window.gpa || at >= callWindow.gpa + callWindow.size
      );
    for (let at = base; at + pages * PAGE <= base + room; at += PAGE) if (free(at)) return at;
    throw new RangeError(
      `no guest-physical addresses left for ${size} bytes of registers: device windows lie in 0x${
        base.toString(16)
      }-0x${(base + room - 1).toString(16)}`,
    );
  }

  #freePorts(
    name: string,
    size: number,
    list: readonly Attachment[],
    asked: number | undefined,
  ): AddressRange | string {
    if (this.#space.ports === undefined) {
      if (asked !== undefined) {
        throw new RangeError(
          `no port 0x${
            asked.toString(16)
          }: this architecture has no port I/O, its PIO would be MMIO (claim 8)`,
        );
      }
      return "this architecture has no port I/O";
    }
    const whole = size + padding(size) + CALL_WINDOW;
    if (asked !== undefined && asked + size > this.#ports.limit) {
      throw new RangeError(
        `port range 0x${asked.toString(16)}-0x${
          (asked + size - 1).toString(16)
        } of ${name} lies outside 0x0-0xffff: a port has ` +
          `16 bits (claim 2)`,
      );
    }
    if (asked !== undefined) return { base: asked, size };
    const free = (at: number) =>
      this.#ports.isFree(at, whole) &&
      list.every(({ ports, callPorts }) =>
        !ports || !callPorts || at + whole <= ports.base || at >= callPorts.base + callPorts.size
      );
    for (let at = this.#space.ports; at + whole <= 0x1_0000; at += CALL_WINDOW) {
      if (free(at)) return { base: at, size };
    }
    return `the port space is full: ${whole} bytes are more than is left of its 65,536 ports (claim 3)`;
  }
}

function windowSize(device: Device): number {
  return device.size ?? 8;
}

/** Bytes from the registers' end to where the call window is aligned. */
function padding(size: number): number {
  return (CALL_WINDOW - size % CALL_WINDOW) % CALL_WINDOW;
}

function firstFree(from: number, to: number, free: (n: number) => boolean): number | undefined {
  for (let n = from; n <= to; n++) if (free(n)) return n;
  return undefined;
}

/** A mapped device; what it delegates to changes when the device is reloaded. */
class Live implements BusHandler {
  constructor(public device: Device, public context: DeviceContext) {}

  get handledIn() {
    return this.device.handledIn;
  }
  read(offset: number, size: AccessSize): BusValue | Promise<BusValue> {
    if (!this.device.read) return size === 8 ? 0xffff_ffff_ffff_ffffn : 2 ** (8 * size) - 1;
    return this.device.read(offset, size, this.context);
  }
  write(offset: number, size: AccessSize, value: BusValue): void | Promise<void> {
    return this.device.write?.(offset, size, value, this.context);
  }
}
