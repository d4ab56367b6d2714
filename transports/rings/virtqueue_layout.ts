/**
 * A split virtqueue in guest memory: virtio 1.2, section 2.7. Every field is little-endian on every architecture
 * (1.4: the modern interface); a big-endian PowerPC guest stores them byte-reversed.
 *
 * | part | bytes | aligned to | |
 * |---|---|---|---|
 * | descriptor table | 16 * size | 16 | addr u64, len u32, flags u16, next u16 |
 * | available ring | 6 + 2 * size | 2 | flags u16, idx u16, ring u16[size], used_event u16 |
 * | used ring | 6 + 8 * size | 4 | flags u16, idx u16, ring {id u32, len u32}[size], avail_event u16 |
 */

/** Flags of a descriptor: another one follows; the device writes the buffer; the buffer is a table of descriptors. */
export const DESC = { next: 1, write: 2, indirect: 4, size: 16 } as const;
/** Flag of the available ring: the device need not interrupt (a hint, without event indices). */
export const NO_INTERRUPT = 1;
/** Flag of the used ring: the driver need not kick (a hint, without event indices). */
export const NO_NOTIFY = 1;
/** Largest queue: 2.7. */
export const MAX_QUEUE = 32_768;

/** Where a virtqueue is, and what was negotiated for it. */
export interface VirtqueuePlace {
  /** Descriptors: a power of two, 32,768 at most. */
  readonly size: number;
  /** Guest-physical addresses of its three parts. */
  readonly descriptors: number;
  /** See `descriptors`. */
  readonly available: number;
  /** See `descriptors`. */
  readonly used: number;
  /** VIRTIO_F_EVENT_IDX: each side says from which index on it wants to be told. */
  readonly eventIdx: boolean;
  /** VIRTIO_F_INDIRECT_DESC: a descriptor may name a table of them. */
  readonly indirect: boolean;
}

/** Bytes of the parts of a queue. */
export function partSizes(size: number): { descriptors: number; available: number; used: number } {
  return { descriptors: 16 * size, available: 6 + 2 * size, used: 6 + 8 * size };
}

/** Throws `RangeError` for a queue that cannot be. */
export function checkPlace({ size, descriptors, available, used }: VirtqueuePlace): void {
  if (!Number.isInteger(size) || size < 1 || size > MAX_QUEUE || (size & (size - 1)) !== 0) {
    throw new RangeError(`a virtqueue of ${size} descriptors: give a power of two up to ${MAX_QUEUE}`);
  }
  for (
    const [name, at, step] of [["descriptor table", descriptors, 16], ["available ring", available, 2], [
      "used ring",
      used,
      4,
    ]] as const
  ) {
    if (at % step !== 0) {
      throw new RangeError(
        `the virtqueue's ${name} at 0x${at.toString(16)} is not aligned to ${step} bytes`,
      );
    }
  }
}

/** Whether a step from index `before` to `now` passes the index that was asked for: 2.7.10. All modulo 2^16. */
export function passes(event: number, now: number, before: number): boolean {
  return (now - event - 1 & 0xffff) < (now - before & 0xffff);
}
