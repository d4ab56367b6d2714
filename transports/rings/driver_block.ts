/**
 * What a ring's driver in the guest knows of its ring: words of 32 bits in the guest's own order, beside the ring. A
 * device never looks at it.
 */

/** Offsets in the block that a ring's driver works on. Pointers are addresses as the guest's code has them. */
export const DRIVER = {
  /** Pointer to the descriptors. */
  descriptors: 0x00,
  /** Virtqueue: pointer to the available ring. IOQ: pointer to its head. */
  available: 0x04,
  /** Virtqueue: pointer to the used ring. */
  used: 0x08,
  /** Virtqueue: descriptors less one. IOQ: descriptors. */
  count: 0x0c,
  /** Virtqueue: the first free descriptor, and how many there are. */
  free: 0x10,
  freeCount: 0x14,
  /** Virtqueue: index of the available ring, the same when a kick was last considered, index of the used ring. */
  next: 0x18,
  told: 0x1c,
  seen: 0x20,
  /** Virtqueue: pointers to avail_event and used_event. */
  availEvent: 0x24,
  usedEvent: 0x28,
  /** Pointers to: which descriptor is free after each; a record of each request; what was taken. */
  links: 0x2c,
  records: 0x30,
  results: 0x34,
  /** The doorbell: a port, an address, or what a hypercall takes. */
  target: 0x38,
  /** Room for what was taken, in answers. */
  room: 0x3c,
  /** Arguments of a push: the request's number; its parts; where its reply goes, and how long that may be. */
  number: 0x40,
  parts: 0x44,
  reply: 0x48,
  capacity: 0x4c,
  /** Virtqueue: pointer to the request's table of descriptors, and its guest-physical address. IOQ: the request's. */
  table: 0x50,
  request: 0x54,
  /** IOQ: bytes of a request with its reply. */
  length: 0x58,
  /** What a routine answers; see `ANSWER`. */
  answer: 0x5c,
  /** Answers that were taken. */
  taken: 0x60,
  /** For the routines. */
  head: 0x64,
  /** List of parts, `PART` bytes each. */
  list: 0x80,
  /** Bytes of the block. */
  size: 0x120,
} as const;

/** A part of a request: guest-physical address, bytes, flags of its descriptor. */
export const PART = { address: 0, length: 4, flags: 8, size: 16 } as const;

/** A request that is under way, by its first descriptor; without descriptors there is none. */
export const RECORD = { tail: 0, descriptors: 4, reply: 8, capacity: 12, number: 16, log2: 5 } as const;

/** An answer that was taken. */
export const RESULT = { number: 0, length: 4, reply: 8, size: 16 } as const;

/** Answers of routines: of `push`, of `kick`, of `take`. */
export const ANSWER = { pushed: 0, full: 1, quiet: 0, rang: 1, taken: 0, bad: 1 } as const;

/** Bytes that a driver takes beside its block. */
export function driverSizes(descriptors: number, entries: number, table: number): {
  links: number;
  records: number;
  results: number;
  tables: number;
} {
  return {
    links: 4 * descriptors,
    records: descriptors << RECORD.log2,
    results: RESULT.size * entries,
    tables: table * descriptors,
  };
}
