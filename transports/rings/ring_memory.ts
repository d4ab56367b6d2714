/** Guest memory as rings see it: little-endian fields whose every address a guest may have chosen. */

/** What a side of a ring needs of guest memory. `read` and `write` throw `RangeError` where there is none. */
export interface RingRam {
  /** A copy of `length` bytes at a guest-physical address. */
  read(gpa: number, length: number): Uint8Array;
  /** Writes bytes at a guest-physical address. */
  write(gpa: number, bytes: Uint8Array): void;
}

/** What a guest put into a ring cannot be: the device stops serving that ring until it is reset. */
export class RingError extends Error {
  /** An error with a message that says what was wrong, and where. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RingError";
  }
}

/** Most bytes that one request may have, both ways together. */
export const MAX_REQUEST = 16 * 1024 * 1024;

/** Fields in guest memory. Everything throws `RingError` outside of it. */
export class RingMemory {
  readonly #ram: RingRam;

  constructor(ram: RingRam) {
    this.#ram = ram;
  }

  bytes(gpa: number, length: number, what: string): Uint8Array {
    return outside(what, gpa, length, () => this.#ram.read(gpa, length));
  }
  put(gpa: number, bytes: Uint8Array, what: string): void {
    outside(what, gpa, bytes.length, () => this.#ram.write(gpa, bytes));
  }
  view(gpa: number, length: number, what: string): DataView {
    const bytes = this.bytes(gpa, length, what);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }
  u8(gpa: number, what: string): number {
    return this.bytes(gpa, 1, what)[0];
  }
  u16(gpa: number, what: string): number {
    const bytes = this.bytes(gpa, 2, what);
    return bytes[0] | bytes[1] << 8;
  }
  u32(gpa: number, what: string): number {
    return this.view(gpa, 4, what).getUint32(0, true);
  }
  setU8(gpa: number, value: number, what: string): void {
    this.put(gpa, Uint8Array.of(value), what);
  }
  setU16(gpa: number, value: number, what: string): void {
    this.put(gpa, Uint8Array.of(value, value >> 8), what);
  }
  setU32(gpa: number, value: number, what: string): void {
    this.put(gpa, Uint8Array.of(value, value >> 8, value >> 16, value >>> 24), what);
  }
}

/** A guest's 64-bit address as a number; those past 2^52 are nobody's. */
export function address(value: bigint, what: string): number {
  if (value < 1n << 52n) return Number(value);
  throw new RingError(`${what} is at 0x${value.toString(16)}, which is no guest-physical address`);
}

function outside<T>(what: string, gpa: number, length: number, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const where = `guest-physical 0x${gpa.toString(16)}, ${length} bytes`;
    throw new RingError(`${what} at ${where}, is not in guest memory`, { cause });
  }
}
