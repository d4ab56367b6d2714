/**
 * Ways of exits that compiled code compares by itself: what was asked of the host, and the few words of state on which it
 * depends where that goes. They stand in a vCPU's state area, behind the limits of flat memory.
 */
import { FLAT } from "./flat_layout.ts";
import { TLB } from "./tlb_layout.ts";

export const WAY = {
  /** Offset in the state area. */
  base: FLAT.limits + 64,
  entries: 64,
  size: 32,
  /** u32: what is asked (`trapTag`, `accessTag`), or 0 if nothing is known. */
  tag: 0,
  /** u32: exits that went this way and that the ledger has not been told of. */
  count: 4,
  /** u32 each: what the words were. */
  words: 8,
  /** How many there are at most. */
  most: 5,
  /** u32: cycles of one. */
  price: 28,
} as const;

/** Offsets in the state area of what is added up of them. */
export const COUNTED = {
  /** u32: the way that was gone last, or 0 if the ledger knows of it. */
  last: TLB.end + 24,
  /** u64: cycles. */
  cycles: TLB.end + 32,
} as const;

/** Offset in the state area of a u32 that counts the times that translations were forgotten. */
export const MAPPINGS = TLB.end + 20;

/** The number of no way. */
export const NO_WAY = 0;

/** Offset of a way. */
export function wayAt(number: number): number {
  return WAY.base + WAY.size * number;
}

/** What a trap is called. */
export function trapTag(trap: number): number {
  return trap + 1;
}

const ACCESSES = 2 ** 16;

/** What an access that compiled code cannot do is called. */
export function accessTag(kind: "load" | "store", size: number, flags: number): number {
  return ACCESSES + (kind === "load" ? 0 : 256) + size * 16 + flags;
}

/** Whether a tag is an access's. */
export function isAccess(tag: number): boolean {
  return tag >= ACCESSES;
}
