/**
 * PCI's configuration space by mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2): an address register at port 0xcf8, data at
 * 0xcfc. On PowerPC the same two ports lie in the PCI I/O window, as the MPC105's map A has them in its own.
 */
import type { SavedFields } from "../../emulator/engine/saved_fields.ts";
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { AccessSize, BusHandler, BusValue } from "../../emulator/machine/bus.ts";
import { configuration, handleAt, hostBridge, type PciFunction } from "./pci_function.ts";

/** First of the 8 ports, and offsets from there. */
export const CONFIG_PORT = 0xcf8, CONFIG_PORTS = 8;
const DATA = 4;
const ENABLE = 0x8000_0000;
/** Bits of the address register that are there: enable, bus, device, function, register. */
const ADDRESS_BITS = 0x80ff_fffc;
const BARS = { first: 0x10, end: 0x20 } as const;
/** Functions whose BARs a guest is sizing at once; the oldest one is forgotten. */
const MOST_SIZING = 64;

/** The registers, over the functions that are there now. */
export class ConfigSpace implements BusHandler {
  readonly #functions: () => readonly PciFunction[];
  #address = 0;
  /** BARs that all ones were written to, as `handle * 4 + index`. */
  #sizing: readonly number[] = [];

  constructor(functions: () => readonly PciFunction[]) {
    this.#functions = functions;
  }

  read(offset: number, size: AccessSize): BusValue {
    const ones = size === 8 ? 0xffff_ffff_ffff_ffffn : 2 ** (8 * size) - 1;
    if (offset === 0 && size === 4) return this.#address;
    const found = offset >= DATA ? this.#selected() : undefined;
    if (!found || size === 8 || offset % size !== 0) return ones;
    const at = (this.#address & 0xfc) + offset - DATA;
    return found.bytes().slice(at, at + size).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  /** BARs keep their places: all ones are remembered so that their sizes can be read, all else is dropped. */
  write(offset: number, size: AccessSize, value: BusValue): void {
    if (offset === 0 && size === 4) this.#address = (Number(value) & ADDRESS_BITS) >>> 0;
    if (offset !== DATA || size !== 4) return;
    const register = this.#address & 0xfc, found = this.#selected();
    if (!found || found.handle === 0 || register < BARS.first || register >= BARS.end) return;
    const bar = found.handle * 4 + (register - BARS.first) / 4;
    const others = this.#sizing.filter((one) => one !== bar);
    this.#sizing = Number(value) === 0xffff_ffff ? [...others, bar].slice(-MOST_SIZING) : others;
  }

  save(): SavedState {
    return { address: this.#address, sizing: [...this.#sizing] };
  }
  /** Puts back what `save` gave. Throws `SyntaxError` for what is none. */
  load(saved: SavedFields): void {
    this.#sizing = saved.wholes("sizing", MOST_SIZING, 0x3_ffff);
    this.#address = (saved.whole("address", 0xffff_ffff) & ADDRESS_BITS) >>> 0;
  }

  /** What the address register selects. */
  #selected(): { readonly handle: number; bytes(): Uint8Array } | undefined {
    const address = this.#address, bus = address >>> 16 & 0xff, device = address >>> 11 & 31;
    if (!(address & ENABLE) || (address >>> 8 & 7) !== 0) return undefined;
    const handle = handleAt(bus, device), functions = this.#functions();
    if (handle === 0) {
      const there = bus === 0 || functions.some((one) => one.bus === bus);
      return there ? { handle, bytes: hostBridge } : undefined;
    }
    const one = functions.find((one) => one.bus === bus && one.device === device);
    if (!one) return undefined;
    const sizing = [0, 1, 2, 3].filter((index) => this.#sizing.includes(handle * 4 + index));
    return { handle, bytes: () => configuration(one, sizing) };
  }
}
