/** Fills and clears the translation cache that compiled code looks up (`ir/tlb_layout.ts`). */
import { TLB } from "../ir/tlb_layout.ts";
import { MAPPINGS } from "../ir/way_layout.ts";
import { setFlatLimits } from "./flat_memory.ts";
import type { CpuState } from "./state.ts";

const PAGE = 2 ** TLB.pageBits;
/** Offset in the state area of a u32: whether there is any translation. Not known yet at first. */
const FILLED = TLB.end + 12;
const IS_EMPTY = 1, IS_FILLED = 2;

/** Forgets every translation; the first `flat` bytes of addresses need none from now on. */
export function clearTlb(state: CpuState, flat: number): void {
  setFlatLimits(state, flat);
  state.set32(MAPPINGS, state.get32(MAPPINGS) + 1);
  if (state.get32(FILLED) === IS_EMPTY) return;
  state.fill64(TLB.base, TLB.entries * TLB.entrySize / 8, BigInt(TLB.invalid));
  state.set32(FILLED, IS_EMPTY);
}

/**
 * Remembers that the page of an address, given as two halves of 32 bits, lies at `place`; writes to it trap unless
 * `writable`.
 */
export function fillTlb(state: CpuState, low: number, high: number, place: number, writable: boolean): void {
  const page = (low & -PAGE) >>> 0;
  const at = TLB.base + (page / PAGE) % TLB.entries * TLB.entrySize;
  state.set32(FILLED, IS_FILLED);
  state.set32(at + TLB.read, page);
  state.set32(at + TLB.read + 4, high);
  state.set32(at + TLB.write, writable ? page : TLB.invalid);
  state.set32(at + TLB.write + 4, writable ? high : 0);
  state.set32(at + TLB.addend, (place - place % PAGE - page) | 0);
}

/** Place in linear memory of an address that compiled code reaches by itself, for reading or writing; else -1. */
export function findInTlb(
  state: CpuState,
  low: number,
  high: number,
  tag: typeof TLB.read | typeof TLB.write,
): number {
  const page = (low & -PAGE) >>> 0;
  const at = TLB.base + (page / PAGE) % TLB.entries * TLB.entrySize;
  if (state.get32(at + tag) !== page || state.get32(at + tag + 4) !== high) return -1;
  return low + state.get32(at + TLB.addend) >>> 0;
}

/** How a walk is marked in the bits below its page's address, apart from `TLB.invalid`. */
const WALKED = 4;
/** What a page number of 32 bits reaches. */
const WALK_LIMIT = 2 ** (32 + TLB.pageBits);

/** Remembers where the page of an address was found that is no memory, for one way of reaching it (0 to 2). */
export function keepWalk(state: CpuState, low: number, high: number, reach: number, gpa: number): void {
  if (gpa >= WALK_LIMIT) return;
  const page = (low & -PAGE) >>> 0;
  const at = TLB.base + (page / PAGE) % TLB.entries * TLB.entrySize;
  state.set32(FILLED, IS_FILLED);
  state.set32(at + TLB.walked, page + WALKED + reach);
  state.set32(at + TLB.walked + 4, high);
  state.set32(at + TLB.walkedTo, Math.floor(gpa / PAGE));
}

/** Guest-physical address by what `keepWalk` remembered, or -1. */
export function findWalk(state: CpuState, low: number, high: number, reach: number): number {
  const page = (low & -PAGE) >>> 0;
  const at = TLB.base + (page / PAGE) % TLB.entries * TLB.entrySize;
  if (state.get32(at + TLB.walked) !== page + WALKED + reach || state.get32(at + TLB.walked + 4) !== high) {
    return -1;
  }
  return state.get32(at + TLB.walkedTo) * PAGE + (low & PAGE - 1);
}

/** Makes writes to one page of linear memory trap from now on: it has become code. */
export function protectFromWrites(state: CpuState, place: number): void {
  if (state.get32(FILLED) === IS_EMPTY) return;
  const page = place - place % PAGE;
  for (let i = 0; i < TLB.entries; i++) {
    const at = TLB.base + i * TLB.entrySize;
    const tag = state.get32(at + TLB.write);
    if (tag !== TLB.invalid && ((tag + state.get32(at + TLB.addend)) >>> 0) === page) {
      state.setNumber(at + TLB.write, TLB.invalid);
    }
  }
}
