/** Flat images: bytes that go to one address and start there, such as firmware and boot sectors. */
import { DEFAULT_LIMIT, type Image } from "./image.ts";

/**
 * Takes bytes as they are for guest-physical address `at`. `entry` is where they start, by default at
 * their first byte. Throws `RangeError` for no bytes, more than `limit`, or an end beyond 2^64.
 */
export function parseFlat(
  bytes: Uint8Array,
  options: { readonly at: bigint; readonly entry?: bigint; readonly limit?: number },
): Image {
  const { at, entry = at, limit = DEFAULT_LIMIT } = options;
  if (bytes.length === 0) throw new RangeError("the flat image is empty");
  if (bytes.length > limit) {
    throw new RangeError(`the flat image has ${bytes.length} bytes: there is room for ${limit}`);
  }
  if (at < 0n || at + BigInt(bytes.length) > 1n << 64n) {
    throw new RangeError(
      `a flat image of ${bytes.length} bytes does not fit at ${at}: addresses have 64 bits`,
    );
  }
  return {
    format: "flat",
    entry,
    physicalEntry: entry,
    segments: [{
      paddr: at,
      vaddr: at,
      bytes,
      memsize: bytes.length,
      flags: { read: true, write: true, execute: true },
    }],
    symbols: [],
  };
}
