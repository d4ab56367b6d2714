/**
 * Writes that the kernel half gathers in a ring instead of going to userspace with each, as KVM_REGISTER_COALESCED_MMIO
 * has it: userspace finds them when it is there for another reason. Linux virt/kvm/coalesced_mmio.c.
 */
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { AccessSize, Bus, BusName, BusValue } from "./bus.ts";
import type { Changes } from "./changes.ts";
import { KernelIoError, NR_IOBUS_DEVS } from "./io_events.ts";

/** A zone of ports or guest-physical addresses, shaped like `struct kvm_coalesced_mmio_zone`. */
export interface CoalescedZone {
  /** The bus of its addresses. */
  readonly bus: BusName;
  /** First address. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

/** A page, less first and last (u32 each), by 24 bytes an entry: {phys_addr u64, len u32, pio u32, data[8]}. */
const RING_ENTRIES = Math.floor((4096 - 8) / 24);
/**
 * One entry stays unused, to tell full from empty. Before Linux 6.12 an unsigned difference taken modulo 170 made it seem
 * full earlier at some positions ("KVM: Fix coalesced_mmio_has_room() to avoid premature userspace exit").
 */
export const COALESCED_LIMIT = RING_ENTRIES - 1;

interface Entry {
  readonly bus: Bus;
  readonly address: number;
  readonly size: AccessSize;
  readonly value: BusValue;
}

/** The zones of a VM and their common ring; `vm.coalesced`. */
export class CoalescedZones {
  readonly #zones: CoalescedZone[] = [];
  readonly #ring: Entry[] = [];
  readonly #limits: Readonly<Record<BusName, number>>;
  readonly #changes: Changes;
  #draining: Promise<void> | undefined;
  #gathered = 0;
  #drains = 0;

  /** @internal */
  constructor(limits: Readonly<Record<BusName, number>>, changes: Changes) {
    this.#limits = limits;
    this.#changes = changes;
  }

  /** Gathers writes to a zone from now on. Throws `KernelIoError`: EINVAL for what is no zone, ENOSPC after 1,000 on a bus. */
  add(zone: CoalescedZone): void {
    const { bus, address, size } = zone;
    if (bus !== "pio" && bus !== "mmio") {
      throw new KernelIoError("EINVAL", `there is no bus "${bus}"; there are pio and mmio`);
    }
    const limit = this.#limits[bus];
    if (limit === 0) throw new KernelIoError("EINVAL", "this architecture has no port I/O (claims 2 and 8)");
    if (
      !Number.isSafeInteger(address) || !Number.isSafeInteger(size) || address < 0 || size < 1 ||
      address + size > limit
    ) {
      throw new KernelIoError(
        "EINVAL",
        `a zone of ${size} bytes at ${bus} ${address}: it has addresses 0 to 0x${(limit - 1).toString(16)}`,
      );
    }
    if (this.#zones.filter((one) => one.bus === bus).length >= NR_IOBUS_DEVS) {
      throw new KernelIoError(
        "ENOSPC",
        `${NR_IOBUS_DEVS} zones are all that a bus takes (KVM's NR_IOBUS_DEVS)`,
      );
    }
    this.#zones.push({ bus, address, size });
    this.#zones.sort((a, b) => a.address - b.address);
    this.#changes.note();
  }

  /** Takes away every zone that holds this one; how many (KVM says success for none, too). */
  remove(zone: CoalescedZone): number {
    const before = this.#zones.length;
    for (let i = before - 1; i >= 0; i--) {
      if (holds(this.#zones[i], zone.bus, zone.address, zone.size)) this.#zones.splice(i, 1);
    }
    return before - this.#zones.length;
  }

  /** The zones, by address. */
  get list(): readonly CoalescedZone[] {
    return [...this.#zones];
  }
  /**
   * Whether nothing is gathered, on either bus.
   *
   * @internal
   */
  get isEmpty(): boolean {
    return this.#zones.length === 0;
  }
  /** Writes that wait in the ring now: none between two runs, but after INTERRUPTED and DEVICE_ERROR. */
  get waiting(): number {
    return this.#ring.length;
  }
  /** Writes gathered so far. */
  get gathered(): number {
    return this.#gathered;
  }
  /** How often userspace has found any. */
  get drains(): number {
    return this.#drains;
  }

  /**
   * Zones, and writes that wait, for a snapshot.
   *
   * @internal
   */
  save(): SavedState {
    return {
      zones: this.#zones.map((zone) => ({ ...zone })),
      ring: this.#ring.map(({ bus, address, size, value }) => ({ bus: bus.name, address, size, value })),
      gathered: this.#gathered,
      drains: this.#drains,
    };
  }
  /**
   * Puts back what `save` gave; `buses` are the VM's. Throws `SyntaxError` for what is none.
   *
   * @internal
   */
  load(saved: SavedFields, buses: readonly Bus[]): void {
    for (const zone of saved.records("zones", 2 * NR_IOBUS_DEVS)) {
      const bus = zone.oneOf("bus", ["pio", "mmio"]);
      this.add({ bus, address: zone.whole("address"), size: zone.whole("size") });
    }
    this.#changes.note();
    for (const entry of saved.records("ring", COALESCED_LIMIT)) {
      const name = entry.oneOf("bus", buses.map((bus) => bus.name)), size = entry.oneOf("size", [1, 2, 4, 8]);
      const value = size === 8 ? entry.unsigned("value") : entry.whole("value", 2 ** (8 * size) - 1);
      this.#ring.push({
        bus: buses.find((bus) => bus.name === name)!,
        address: entry.whole("address"),
        size,
        value,
      });
    }
    this.#gathered = saved.whole("gathered");
    this.#drains = saved.whole("drains");
  }

  /**
   * The zone that would gather a write.
   *
   * @internal
   */
  find(bus: BusName, address: number, size: number): CoalescedZone | undefined {
    if (this.#zones.length === 0 || this.#ring.length >= COALESCED_LIMIT) return undefined;
    return this.#zones.find((zone) => holds(zone, bus, address, size));
  }

  /**
   * Puts a write into the ring, which has room: see `find`.
   *
   * @internal
   */
  push(bus: Bus, address: number, size: AccessSize, value: BusValue): void {
    this.#ring.push({ bus, address, size, value });
    this.#gathered++;
  }

  /**
   * Userspace takes what has been gathered, oldest first, to the devices; undefined if it is done at once. A write whose
   * device throws is taken, those after it stay.
   *
   * @internal
   */
  drain(): Promise<void> | undefined {
    if (this.#draining) return this.#draining;
    if (this.#ring.length === 0) return undefined;
    this.#drains++;
    return this.#deliver();
  }

  #deliver(): Promise<void> | undefined {
    for (let entry = this.#ring.shift(); entry; entry = this.#ring.shift()) {
      const { bus, address, size, value } = entry;
      const range = bus.find(address, size);
      // Nobody there: the write is lost, as on the bus itself.
      const done = range?.handler.write(address - range.base, size, value);
      if (!(done instanceof Promise)) continue;
      const rest = done.then(() => this.#deliver()).finally(() => this.#draining = undefined);
      this.#draining = rest;
      return rest;
    }
    return undefined;
  }
}

function holds(zone: CoalescedZone, bus: BusName, address: number, size: number): boolean {
  return zone.bus === bus && address >= zone.address && address + size <= zone.address + zone.size;
}
