/** The table through which compiled code finds the block at an address. Direct-mapped, in linear memory. */
export const HASH = {
  entries: 4096,
  entrySize: 16,
  /** i64: what `tagOf` gives for the block, or `emptyTag` for none. */
  tag: 0,
  /** u32: place of the block's first record. */
  record: 8,
} as const;

/**
 * What an entry without a block holds. Every 64-bit number can be the address that a guest jumps to, so it is
 * one that is looked for in another entry.
 */
export function emptyTag(entry: number): bigint {
  return entry === 0 ? 1n : 0n;
}

/**
 * What the entry of a block holds. A record knows its instruction's address as the program counter has it, so
 * where the code segment has a base the same bytes are another block for each base.
 */
export function tagOf(pc: bigint, linear: bigint): bigint {
  return BigInt.asUintN(64, linear ^ (linear - pc) << 32n);
}

/** The entry's offset for an address whose low bits are `low`; compiled code computes the same. */
export function hashOffset(low: number): number {
  return ((low ^ (low >>> 12)) & (HASH.entries - 1)) * HASH.entrySize;
}
