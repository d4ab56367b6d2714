/** Where a task state segment keeps what. SDM vol. 3A, figures 8-2 (32-bit) and 8-10 (16-bit). */

export interface TaskLayout {
  /** Bytes of its registers and pointers. */
  readonly size: 2 | 4;
  /** Offset of the last byte that it needs. */
  readonly limit: number;
  readonly cr3?: number;
  readonly ip: number;
  readonly flags: number;
  /** Of the first of the eight general registers, in the order of their codes. */
  readonly registers: number;
  /** Of es, cs, ss, ds and, of 32 bits, fs and gs, in the order of their codes. */
  readonly segments: readonly number[];
  readonly ldt: number;
  /** Of the word whose bit 0 asks for a #DB. */
  readonly debug?: number;
}

export const WIDE_TASK: TaskLayout = {
  size: 4,
  limit: 0x67,
  cr3: 0x1c,
  ip: 0x20,
  flags: 0x24,
  registers: 0x28,
  segments: [0x48, 0x4c, 0x50, 0x54, 0x58, 0x5c],
  ldt: 0x60,
  debug: 0x64,
};

export const NARROW_TASK: TaskLayout = {
  size: 2,
  limit: 0x2b,
  ip: 0x0e,
  flags: 0x10,
  registers: 0x12,
  segments: [0x22, 0x24, 0x26, 0x28],
  ldt: 0x2a,
};
