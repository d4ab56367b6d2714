/**
 * Where the transports keep what is theirs in guest-physical memory: one slot of 64 KiB with the stubs' text
 * and their small buffers, and one for large payloads, made when the first one comes.
 */

/** Offsets in the stub slot. */
export const STUB_SLOT = {
  /** 32 KiB of text. */
  text: 0x0000,
  textEnd: 0x8000,
  /** A call descriptor, and what a stub needs beside it (`BLOCK`). */
  block: 0x8000,
  /** Payload on its way to the device, and reply on its way back. */
  out: 0x9000,
  in: 0xc000,
  /** Bytes of either. */
  chunk: 0x3000,
  /** Top of a stack of half a page, for stubs that call; above the descriptor. */
  stack: 0x9000,
  /** A hypercall page, where the hypervisor wants one and the guest has none. */
  page: 0xf000,
  size: 0x1_0000,
} as const;

/** Beside the descriptor in the block, 32-bit in the guest's own order. */
export const BLOCK = {
  /** Where its doorbell is: port, address of the call window's register, or device handle. */
  target: 0x28,
  /** The descriptor's own guest-physical address. */
  self: 0x2c,
} as const;

/** vbus's structures in the block (`vbus.ts`), and the pointers to them in the guest's own order. */
export const VBUS_BLOCK = {
  /** A fast-call descriptor, 24 bytes. */
  call: 0x40,
  /** A device call, 32 bytes. */
  device: 0x60,
  /** The parameter of a bridge call. */
  params: 0x80,
  open: 0x90,
  /** The doorbell: port or address. */
  target: 0xa0,
  cpu: 0xa4,
  /** Guest-physical addresses of `call` and `device`. */
  callAt: 0xa8,
  deviceAt: 0xac,
} as const;

export interface Places {
  /** Guest-physical address of the stub slot. */
  readonly stubs: number;
  /** Guest-physical address of the slot for large payloads, up to `buffersSize` bytes. */
  readonly buffers: number;
  readonly buffersSize: number;
  /** Real-mode segment of the stub slot; undefined where addresses are flat. */
  readonly segment?: number;
}

const BUFFERS = { buffers: 0xf000_0000, buffersSize: 0x0200_0000 } as const;

/** Flat: 32-bit and 64-bit modes of x86, and PowerPC. */
const FLAT: Places = { stubs: 0xffe0_0000, ...BUFFERS };

/**
 * Real mode reaches 1 MiB: the slot is in the gap of option ROMs. The large buffers are out of its code's reach;
 * there only the device reads and writes them, by descriptor.
 */
const REAL: Places = { stubs: 0xe_0000, segment: 0xe000, ...BUFFERS };

export function placesOf(mode: 16 | 32 | 64): Places {
  return mode === 16 ? REAL : FLAT;
}

/** An offset in the stub slot as the stubs' code addresses it. */
export function pointer(places: Places, offset: number): bigint {
  return BigInt(places.segment === undefined ? places.stubs + offset : offset);
}

/** Real mode: a segment register's selector and base, as loading it would leave them. */
export function segmentRegisters(name: string, segment: number): Record<string, bigint> {
  return { [name]: BigInt(segment), [`${name}_base`]: BigInt(segment * 16) };
}
