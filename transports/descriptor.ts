/**
 * The call descriptor: a whole call in guest RAM, so that one exit carries any size. Little-endian on
 * every architecture; its shape follows vbus's call descriptors, its fields are ours.
 *
 * | offset | field | |
 * |---|---|---|
 * | 0x00 | fn u32 | function number |
 * | 0x04 | flags u32 | 1 = FETCH: no call, give what is left of the last reply |
 * | 0x08 | data u64 | guest-physical address of the payload |
 * | 0x10 | length u32 | bytes of the payload |
 * | 0x14 | capacity u32 | bytes that the reply buffer holds |
 * | 0x18 | reply u64 | guest-physical address of the reply buffer |
 * | 0x20 | status i32 | out: 0, or -errno |
 * | 0x24 | reply length u32 | out: bytes of the reply, those that did not fit included |
 */
import { Refusal } from "./status.ts";

export const DESCRIPTOR = {
  fn: 0x00,
  flags: 0x04,
  data: 0x08,
  length: 0x10,
  capacity: 0x14,
  reply: 0x18,
  status: 0x20,
  replyLength: 0x24,
} as const;

/** Bytes of a descriptor, and what its address is a multiple of. */
export const DESCRIPTOR_SIZE = 0x28;
export const DESCRIPTOR_ALIGNMENT = 8;

/** `flags`: give what is left of the last reply. */
export const FLAG_FETCH = 1;

/** Largest payload and largest reply, in bytes. */
export const MAX_TRANSFER = 16 * 1024 * 1024;

/** What the endpoint needs of guest RAM. `read` and `write` throw `RangeError` outside of it. */
export interface GuestRam {
  holds(gpa: number | bigint, length: number): boolean;
  read(gpa: number | bigint, length: number): Uint8Array;
  write(gpa: number | bigint, bytes: Uint8Array): void;
}

/** A descriptor as the guest wrote it, checked. */
export interface Descriptor {
  readonly address: bigint;
  readonly fn: number;
  readonly fetch: boolean;
  readonly data: bigint;
  readonly length: number;
  readonly reply: bigint;
  readonly capacity: number;
}

/** Refuses unless all of the range is guest RAM. */
export function checkRam(ram: GuestRam, gpa: bigint, length: number, what: string): void {
  if (length === 0) return;
  const where = `the ${what} at guest-physical 0x${gpa.toString(16)}, ${length} bytes,`;
  if (gpa + BigInt(length) > 1n << 64n) throw new Refusal("EFAULT", `${where} wraps around 2^64`);
  if (!ram.holds(gpa, length)) throw new Refusal("EFAULT", `${where} is not in guest RAM`);
}

/**
 * Reads and checks the descriptor at `address`. Throws `Refusal` if it or what it names is misaligned, too
 * long or outside of guest RAM; nothing is written then.
 */
export function readDescriptor(ram: GuestRam, address: bigint): Descriptor {
  if (address % BigInt(DESCRIPTOR_ALIGNMENT) !== 0n) {
    const where = `0x${address.toString(16)}`;
    throw new Refusal(
      "EINVAL",
      `the descriptor's address ${where} is not a multiple of ${DESCRIPTOR_ALIGNMENT}`,
    );
  }
  checkRam(ram, address, DESCRIPTOR_SIZE, "descriptor");
  const bytes = ram.read(address, DESCRIPTOR_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint32(DESCRIPTOR.flags, true);
  if ((flags & ~FLAG_FETCH) !== 0) {
    throw new Refusal(
      "EINVAL",
      `the descriptor's flags are 0x${flags.toString(16)}; only ${FLAG_FETCH} is defined`,
    );
  }
  const length = view.getUint32(DESCRIPTOR.length, true);
  const capacity = view.getUint32(DESCRIPTOR.capacity, true);
  for (const [what, size] of [["payload", length], ["reply capacity", capacity]] as const) {
    if (size > MAX_TRANSFER) {
      throw new Refusal(
        "E2BIG",
        `the descriptor's ${what} is ${size} bytes; at most ${MAX_TRANSFER} are allowed`,
      );
    }
  }
  const descriptor: Descriptor = {
    address,
    fn: view.getUint32(DESCRIPTOR.fn, true),
    fetch: (flags & FLAG_FETCH) !== 0,
    data: view.getBigUint64(DESCRIPTOR.data, true),
    length,
    reply: view.getBigUint64(DESCRIPTOR.reply, true),
    capacity,
  };
  checkRam(ram, descriptor.data, length, "payload");
  checkRam(ram, descriptor.reply, capacity, "reply buffer");
  return descriptor;
}

/** Writes status and reply length into the descriptor at `address`; false if it is not in guest RAM. */
export function answerDescriptor(
  ram: GuestRam,
  address: bigint,
  status: number,
  replyLength: number,
): boolean {
  const where = address + BigInt(DESCRIPTOR.status);
  if (!ram.holds(where, 8)) return false;
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, status, true);
  view.setUint32(DESCRIPTOR.replyLength - DESCRIPTOR.status, replyLength, true);
  ram.write(where, bytes);
  return true;
}
