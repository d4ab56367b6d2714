/** Guest memory at the addresses that a vCPU's instructions use, as a debugger looks at it: without an effect on the guest. */
import type { GuestMemory } from "../memory.ts";

const PAGE = 4096n;

/** From an address of the guest's data to the guest-physical one; undefined where nothing is mapped. */
export type Mapping = (address: bigint) => bigint | undefined;

/** The bytes from an address on. Throws `RangeError` that names the first address that is not there. */
export function readVirtual(
  memory: GuestMemory,
  map: Mapping,
  address: bigint,
  length: number,
): Uint8Array<ArrayBuffer> {
  const found = pieces(map, address, length), bytes = new Uint8Array(length);
  for (const { gpa, from, size } of found) bytes.set(memory.read(gpa, size), from);
  return bytes;
}

/** Writes all bytes, to read-only memory too, or none. Throws as `readVirtual` does. */
export function writeVirtual(memory: GuestMemory, map: Mapping, address: bigint, bytes: Uint8Array): void {
  const found = pieces(map, address, bytes.length);
  for (const { gpa, size } of found) memory.read(gpa, size);
  for (const { gpa, from, size } of found) memory.write(gpa, bytes.subarray(from, from + size));
}

interface Piece {
  readonly gpa: bigint;
  readonly from: number;
  readonly size: number;
}

/** Page by page: what follows each other at these addresses may be anywhere. */
function pieces(map: Mapping, address: bigint, length: number): Piece[] {
  const found: Piece[] = [];
  for (let from = 0; from < length;) {
    const at = address + BigInt(from), gpa = map(at);
    if (gpa === undefined) {
      throw new RangeError(`nothing is mapped at 0x${at.toString(16)}`);
    }
    const size = Math.min(length - from, Number(PAGE - (at & PAGE - 1n)));
    found.push({ gpa, from, size });
    from += size;
  }
  return found;
}
