/** What a call carries: bytes, or a number as 8 bytes little-endian, the same on every architecture. */

/** A number modulo 2^64 as 8 bytes, little-endian. Throws `TypeError` for a number that is no safe integer. */
export function numberToBytes(value: number | bigint): Uint8Array {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new TypeError(`${value} is not an integer that a number holds exactly: give a bigint, or bytes`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return bytes;
}

/** Up to 8 bytes, little-endian, as a number. */
export function bytesToNumber(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = Math.min(bytes.length, 8) - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

/** The bytes of what a caller sends or a device answers; nothing is no bytes. */
export function toBytes(value: Uint8Array | number | bigint | void, what: string): Uint8Array {
  if (value === undefined || value === null) return new Uint8Array(0);
  if (typeof value === "number" || typeof value === "bigint") return numberToBytes(value);
  if (value instanceof Uint8Array) return value.slice();
  throw new TypeError(`${what} is ${typeof value}; it can be a Uint8Array, a number or a bigint`);
}
