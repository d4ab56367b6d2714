/**
 * Writes that the hypervisor's kernel half matches by itself, as KVM_IOEVENTFD has it: an address, a length and perhaps
 * the data, and whoever waits is told without a way to userspace. Rules and errors: Linux virt/kvm/eventfd.c,
 * `kvm_assign_ioeventfd`; `kvm_io_bus_register_dev` in virt/kvm/kvm_main.c.
 */
import type { HandledIn } from "../engine/native_reason.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { Answerer } from "./answerer.ts";
import type { BusName } from "./bus.ts";
import type { Changes } from "./changes.ts";

/** Lengths that an event may match; 0 is any. */
export type IoEventLength = 0 | 1 | 2 | 4 | 8;

/** A write to be matched in the kernel, shaped like `struct kvm_ioeventfd`. */
export interface IoEventOptions {
  /** `pio` is KVM_IOEVENTFD_FLAG_PIO. */
  readonly bus: BusName;
  /** Port or guest-physical address of the write's first byte: an access that only contains it does not match. */
  readonly address: number;
  /**
   * Bytes of the write. 0 matches every length by address alone: where the backend has KVM's fast MMIO bus, before the
   * instruction is fetched and decoded. (There KVM on VT-x does not look which way the access goes, and takes a load for a
   * match as well; here a load is never one.)
   */
  readonly length: IoEventLength;
  /** The value to match, as a bus has it (`BusValue`, little-endian); any if not given. */
  readonly datamatch?: number | bigint;
  /** Called for each match, in the exit: an eventfd's other end. What it throws ends the run with DEVICE_ERROR. */
  signal(): void | Promise<void>;
  /** For messages and lists. */
  readonly name?: string;
  /**
   * The signal is about this VM alone, as a ring's in its memory: a VM that is restored from its snapshot never gets it from
   * here, only from whoever adds it there.
   */
  readonly ofThisVm?: boolean;
}

/** An event that is registered. */
export interface IoEvent {
  /** As it was asked for. */
  readonly bus: BusName;
  /** First byte. */
  readonly address: number;
  /** 0 for any. */
  readonly length: IoEventLength;
  /** Unsigned; undefined for any. */
  readonly datamatch: bigint | undefined;
  /** For messages. */
  readonly name: string;
  /** Matches so far. */
  readonly count: number;
  /** True for one of a snapshot that nobody has given its signal again; see `IoEvents.waiting`. */
  readonly waits: boolean;
}

/** Why the kernel half refuses to match or to gather an access, with KVM's errno. */
export class KernelIoError extends RangeError {
  /** As the ioctl returns it. */
  readonly errno: "EINVAL" | "EEXIST" | "ENOSPC" | "ENOENT";

  /** An error with its errno. */
  constructor(errno: KernelIoError["errno"], message: string) {
    super(`${errno}: ${message}`);
    this.name = "KernelIoError";
    this.errno = errno;
  }
}

/** Devices that a bus of KVM's takes (NR_IOBUS_DEVS): zones count, events do not, they are limited by files. */
export const NR_IOBUS_DEVS = 1000;
/** Events that a snapshot may have: KVM's are limited by open files alone. */
const MOST_EVENTS = 65_536;

export class Registered implements IoEvent, Answerer {
  readonly bus: BusName;
  readonly address: number;
  readonly length: IoEventLength;
  readonly datamatch: bigint | undefined;
  readonly name: string;
  readonly ofThisVm: boolean;
  /** Restored from a snapshot: whoever adds it again takes its place. */
  readonly restored: boolean;
  signal: IoEventOptions["signal"];
  waits: boolean;
  count = 0;

  constructor(options: IoEventOptions, restored = false) {
    const { bus, address, length, datamatch, ofThisVm = false } = options;
    this.ofThisVm = ofThisVm;
    this.restored = this.waits = restored;
    this.bus = bus;
    this.address = address;
    this.length = length;
    this.datamatch = datamatch === undefined ? undefined : BigInt.asUintN(8 * length, BigInt(datamatch));
    this.name = options.name ?? `event at ${bus} 0x${address.toString(16)}`;
    this.signal = () => options.signal();
  }

  /** Whether a write to its address is one of its. */
  takes(size: number, value: number | bigint): boolean {
    if (this.length === 0) return true;
    return size === this.length && (this.datamatch === undefined || this.datamatch === BigInt(value));
  }

  /** A write was matched. */
  ring(): void | Promise<void> {
    if (this.waits) {
      throw new Error(
        `${describe(this)} is a snapshot's, and nobody has given vm.ioevents its signal again`,
      );
    }
    this.count++;
    return this.signal();
  }

  handledIn(): HandledIn {
    return "kernel";
  }
  /** As the answer to an exit. */
  answer(): void | Promise<void> {
    return this.ring();
  }

  /** Whether they are one event, whoever it tells. */
  isLike(other: Registered): boolean {
    return this.bus === other.bus && this.address === other.address && this.length === other.length &&
      this.datamatch === other.datamatch;
  }

  /** Whether some write would be of both. */
  collides(other: Registered): boolean {
    if (this.length === 0 || other.length === 0) return true;
    if (this.length !== other.length) return false;
    return this.datamatch === undefined || other.datamatch === undefined ||
      this.datamatch === other.datamatch;
  }
}

/** The events of a VM; `vm.ioevents`. */
export class IoEvents {
  readonly #at: Readonly<Record<BusName, Map<number, Registered[]>>> = { pio: new Map(), mmio: new Map() };
  readonly #limits: Readonly<Record<BusName, number>>;
  readonly #devices: (bus: BusName) => number;
  readonly #changes: Changes;

  /** @internal */
  constructor(
    limits: Readonly<Record<BusName, number>>,
    devices: (bus: BusName) => number,
    changes: Changes,
  ) {
    this.#changes = changes;
    this.#limits = limits;
    this.#devices = devices;
  }

  /**
   * Registers a match, before any device of userspace. One that was restored from a snapshot, and is the same match, is
   * replaced, and its count goes on. Throws `KernelIoError`: EINVAL for what is no such match, EEXIST where a write would be
   * of two, ENOSPC on a bus with 1,000 zones.
   */
  add(options: IoEventOptions): IoEvent {
    const event = new Registered(this.#checked(options));
    const before = this.#at[event.bus].get(event.address)?.find((one) => one.restored && one.isLike(event));
    if (before) {
      event.count = before.count;
      this.remove(before);
    }
    return this.#put(event);
  }

  #put(event: Registered): Registered {
    const at = this.#at[event.bus], others = at.get(event.address) ?? [];
    const other = others.find((one) => one.collides(event));
    if (other) {
      throw new KernelIoError("EEXIST", `${describe(event)} matches writes that ${describe(other)} matches`);
    }
    if (this.#devices(event.bus) >= NR_IOBUS_DEVS) {
      throw new KernelIoError("ENOSPC", `the bus has ${NR_IOBUS_DEVS} devices already (KVM's NR_IOBUS_DEVS)`);
    }
    at.set(event.address, [...others, event]);
    this.#changes.note();
    return event;
  }

  /** Takes an event away; false if it is not there (KVM: ENOENT). */
  remove(event: IoEvent): boolean {
    const at = this.#at[event.bus], others = at.get(event.address) ?? [];
    const left = others.filter((one) => one !== event);
    if (left.length === others.length) return false;
    if (left.length > 0) at.set(event.address, left);
    else at.delete(event.address);
    return true;
  }

  /** The event that takes a write, if there is one. */
  find(bus: BusName, address: number, size: number, value: number | bigint): IoEvent | undefined {
    return this.match(bus, address, size, value);
  }

  /**
   * Whether no write can match, on either bus.
   *
   * @internal
   */
  get isEmpty(): boolean {
    return this.#at.pio.size === 0 && this.#at.mmio.size === 0;
  }

  /** @internal */
  match(bus: BusName, address: number, size: number, value: number | bigint): Registered | undefined {
    const at = this.#at[bus];
    if (at.size === 0) return undefined;
    return at.get(address)?.find((event) => event.takes(size, value));
  }

  /** By bus and address, then oldest first. */
  get list(): readonly IoEvent[] {
    return (["pio", "mmio"] as const).flatMap((bus) =>
      [...this.#at[bus]].sort(([a], [b]) => a - b).flatMap(([, events]) => events)
    );
  }

  /**
   * Events of a snapshot whose signals nobody has given again: `add` gives one. Until then a write that one of them matches
   * is the exit that it was, and ends the run with DEVICE_ERROR, to be made again by the next one: nothing is lost.
   */
  get waiting(): readonly IoEvent[] {
    return this.list.filter(({ waits }) => waits);
  }

  /**
   * All events, for a snapshot: signals are functions and not in it.
   *
   * @internal
   */
  save(): SavedState {
    return this.list.map(({ bus, address, length, datamatch, name, count }) => {
      return { bus, address, length, datamatch: datamatch ?? null, name, count };
    });
  }

  /**
   * Puts back what `save` gave, to wait for their signals. Throws `SyntaxError` for what is none, `KernelIoError` for what
   * `add` refuses.
   *
   * @internal
   */
  load(saved: SavedFields, field: string): void {
    for (const one of saved.records(field, MOST_EVENTS)) {
      const event = new Registered(
        this.#checked({
          bus: one.oneOf("bus", ["pio", "mmio"]),
          address: one.whole("address"),
          length: one.oneOf("length", [0, 1, 2, 4, 8]),
          ...one.has("datamatch") && { datamatch: one.unsigned("datamatch") },
          name: one.text("name"),
          signal() {},
        }),
        true,
      );
      event.count = one.whole("count");
      this.#put(event);
    }
  }

  /**
   * Gives the events that wait the signals of those of another VM that are the same match.
   *
   * @internal
   */
  signalAs(others: IoEvents): void {
    for (const one of [...this.#at.pio.values(), ...this.#at.mmio.values()].flat()) {
      const other = one.waits && others.#at[one.bus].get(one.address)?.find((other) => other.isLike(one));
      if (!other || other.waits || other.ofThisVm) continue;
      one.signal = other.signal;
      one.waits = false;
    }
  }

  #checked(options: IoEventOptions): IoEventOptions {
    const { bus, address, length, datamatch, signal } = options;
    const invalid = (message: string) => new KernelIoError("EINVAL", message);
    if (bus !== "pio" && bus !== "mmio") throw invalid(`there is no bus "${bus}"; there are pio and mmio`);
    const limit = this.#limits[bus];
    if (limit === 0) throw invalid("this architecture has no port I/O (claims 2 and 8)");
    if (![0, 1, 2, 4, 8].includes(length)) throw invalid(`a length of ${length}; there are 0, 1, 2, 4 and 8`);
    if (!Number.isSafeInteger(address) || address < 0 || address + Math.max(length, 1) > limit) {
      throw invalid(
        `${length} bytes at ${bus} ${address}, which has addresses 0 to 0x${(limit - 1).toString(16)}`,
      );
    }
    if (length === 0 && datamatch !== undefined) throw invalid("a match of any length cannot compare data");
    if (datamatch !== undefined && typeof datamatch !== "bigint" && !Number.isSafeInteger(datamatch)) {
      throw invalid(`datamatch is ${String(datamatch)}; give a whole number or a bigint`);
    }
    if (typeof signal !== "function") throw new TypeError("an event has to have a function signal");
    return options;
  }
}

/** An event by its name and what it matches. */
export function describe({ bus, address, length, datamatch, name }: IoEvent): string {
  const size = length === 0 ? "any length" : `${length} bytes`;
  const data = datamatch === undefined ? "any data" : `data 0x${datamatch.toString(16)}`;
  return `${name} (${bus} 0x${address.toString(16)}, ${size}, ${data})`;
}
