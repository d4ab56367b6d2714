/** Numbers that every virtio device has, whatever its transport: virtio 1.2. */

/** Bits of the status register: section 2.1. */
export const STATUS = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const;

/** Bits of the interrupt status: a queue has used buffers, or the configuration (or the status) has changed. */
export const INTERRUPT = { used: 1, config: 2 } as const;

/** Feature bits of every device: section 6. */
export const FEATURE = { indirect: 1n << 28n, eventIdx: 1n << 29n, version1: 1n << 32n } as const;
