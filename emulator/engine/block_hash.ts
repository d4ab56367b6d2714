import type { FunctionWriter } from "../wasm/function_writer.ts";

/** The table through which compiled code finds the block at an address. Direct-mapped, in linear memory. */
export const HASH = {
  entries: 2 ** 14,
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

/** Knuth's multiplier: what is regular in addresses, such as code a power of 2 apart, shall not meet in one entry. */
const SPREAD = 0x9e37_79b1 | 0;
const SHIFT = 32 - Math.log2(HASH.entries);

/** The entry's offset for an address whose low bits are `low`. */
export function hashOffset(low: number): number {
  return (Math.imul(low, SPREAD) >>> SHIFT) * HASH.entrySize;
}

/** Replaces `low` on the stack by the entry's offset. */
export function writeHashOffset(code: FunctionWriter): void {
  code.i32(SPREAD).op("i32.mul").i32(SHIFT).op("i32.shr_u");
  code.i32(Math.log2(HASH.entrySize)).op("i32.shl");
}
