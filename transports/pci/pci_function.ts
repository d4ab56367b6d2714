/** A device as a PCI function: what stands in its configuration space. */
import { CAPABILITIES, CAPABILITY, PCI_ID, SPACE, VENDOR_SPECIFIC } from "./capabilities.ts";

/** Device numbers of a bus; 0 is the host bridge's. */
const PER_BUS = 31, BUSES = 256;

/** A base address register: a block of a power of two that has its place and keeps it, and the range in it. */
export interface PciBar {
  /** BAR 0 is the call window in memory, 1 the same in I/O space, 2 and 3 the device's registers in memory and I/O space. */
  readonly index: 0 | 1 | 2 | 3;
  /** Which address space it decodes. */
  readonly space: "memory" | "io";
  /** Call window (`transports/window.ts`) or the device's own registers. */
  readonly use: "call" | "registers";
  /** First address of the block, guest-physical or in PCI's I/O space: a multiple of its size. */
  readonly base: number;
  /** Bytes of the block: 16 at least, 4 in I/O space. */
  readonly size: number;
  /** Where in the block the range begins. */
  readonly offset: number;
  /** Bytes of the range. */
  readonly bytes: number;
}

/** A device as guests discover it. */
export interface PciFunction {
  /** The device's name. */
  readonly name: string;
  /** 0 to 255; each that has devices is a root bus. */
  readonly bus: number;
  /** 1 to 31. */
  readonly device: number;
  /** By PIO and by MMIO, as far as its guest may use them. */
  readonly bars: readonly PciBar[];
  /** Its handle and the numbers of its hypercalls, if its guest may make any. */
  readonly hypercall?: { readonly handle: number; readonly first: number; readonly step: number };
}

/** Bus and device number that a handle has: 31 to a bus. Undefined for handles past the last bus. */
export function placeOf(handle: number): { bus: number; device: number } | undefined {
  const bus = Math.floor((handle - 1) / PER_BUS);
  return bus < BUSES ? { bus, device: 1 + (handle - 1) % PER_BUS } : undefined;
}

/** The handle whose function is there; 0 for a host bridge. */
export function handleAt(bus: number, device: number): number {
  return device === 0 ? 0 : bus * PER_BUS + device;
}

/** A range as a BAR: in the smallest block that holds it, which is the range itself where that has a BAR's alignment. */
export function barOf(index: PciBar["index"], first: number, bytes: number): PciBar {
  const io = index % 2 === 1;
  let size = io ? 4 : 16;
  while (Math.floor(first / size) !== Math.floor((first + bytes - 1) / size)) size *= 2;
  const offset = first % size;
  return {
    index,
    space: io ? "io" : "memory",
    use: index < 2 ? "call" : "registers",
    base: first - offset,
    size,
    offset,
    bytes,
  };
}

/** What a BAR reads as: its base and its kind, or, when all ones were written, which bits of a base it decodes. */
export function barValue({ base, size, space }: PciBar, sizing: boolean): number {
  return ((sizing ? -size : base) | (space === "io" ? 1 : 0)) >>> 0;
}

/** A function's configuration space, 256 bytes; `sizing` are the BARs that all ones were written to. */
export function configuration(one: PciFunction, sizing: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(SPACE), view = new DataView(bytes.buffer);
  const has = (space: PciBar["space"]) => one.bars.some((bar) => bar.space === space);
  header(view, PCI_ID.device, [0x00, 0x00, 0xff]);
  // Command: what it decodes. Status: there are capabilities.
  view.setUint16(0x04, (has("io") ? 1 : 0) | (has("memory") ? 2 : 0), true);
  view.setUint16(0x06, 0x10, true);
  for (const bar of one.bars) {
    view.setUint32(0x10 + 4 * bar.index, barValue(bar, sizing.includes(bar.index)), true);
  }
  view.setUint16(0x2c, PCI_ID.vendor, true);
  bytes[0x34] = CAPABILITIES;
  const list = capabilities(one);
  let at = CAPABILITIES;
  list.forEach((capability, i) => {
    bytes.set(capability, at);
    const next = at + capability.length;
    bytes[at + 1] = i === list.length - 1 ? 0 : next;
    at = next;
  });
  return bytes;
}

/** A bus's host bridge: device 0, so that a guest sees that the bus is there. */
export function hostBridge(): Uint8Array {
  const bytes = new Uint8Array(SPACE);
  header(new DataView(bytes.buffer), PCI_ID.bridge, [0x00, 0x00, 0x06]);
  return bytes;
}

function header(view: DataView, device: number, [interface_, subclass, class_]: readonly number[]): void {
  view.setUint16(0x00, PCI_ID.vendor, true);
  view.setUint16(0x02, device, true);
  view.setUint8(0x08, 1);
  view.setUint8(0x09, interface_);
  view.setUint8(0x0a, subclass);
  view.setUint8(0x0b, class_);
}

/** The list but for its links, each a multiple of 4 bytes. */
function capabilities({ name, bars, hypercall }: PciFunction): Uint8Array[] {
  const list = bars.map(({ index, use, offset, bytes }) =>
    capability(use === "call" ? CAPABILITY.CALL : CAPABILITY.REGISTERS, [index, offset, bytes])
  );
  if (hypercall) {
    const { handle, first, step } = hypercall;
    list.push(capability(CAPABILITY.HYPERCALL, [0, handle, first, step]));
  }
  const room = SPACE - CAPABILITIES - list.reduce((sum, { length }) => sum + length, 0) - 4;
  const text = new TextEncoder().encode(name).subarray(0, room);
  const named = new Uint8Array(4 + (text.length + 3 & ~3));
  named.set([VENDOR_SPECIFIC, 0, 4 + text.length, CAPABILITY.NAME]);
  named.set(text, 4);
  return [...list, named];
}

function capability(type: number, words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * words.length), view = new DataView(bytes.buffer);
  bytes.set([VENDOR_SPECIFIC, 0, bytes.length, type]);
  words.forEach((word, i) => view.setUint32(4 + 4 * i, word, true));
  return bytes;
}
