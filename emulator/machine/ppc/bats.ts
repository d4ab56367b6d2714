/**
 * Block address translation of 32-bit processors: four pairs of registers for instructions and four for data
 * (PowerPC Programming Environments Manual, 7.4). The second four pairs of the 750FX and 7450 are not there.
 *
 * An upper register holds BEPI (bits 0 to 14), BL (19 to 29), Vs (30) and Vp (31); a lower one BRPN (0 to 14), WIMG
 * (25 to 28) and PP (30, 31). WIMG has no effect: there is no cache, and accesses happen in order. Blocks that overlap
 * are an error of the guest's: the first pair counts.
 */
import { SLOT } from "../../ppc/state.ts";
import type { StateView } from "../../isa/isa.ts";
import { REACH, type Reach } from "../processor.ts";

export const PAIRS = 4;
/** Bytes of state from one pair to the next. */
const PAIR = 16;
/** Bits of a block's number, and those within the smallest block, of 128 KiB. */
const NUMBER = 0xfffe_0000, WITHIN = 0x1_ffff;
/** Who a pair is valid for. */
const VALID_SUPERVISOR = 2, VALID_PROBLEM = 1;

/** The registers of a pair. */
export function pairOf(state: StateView, kind: "i" | "d", pair: number): { upper: number; lower: number } {
  const first = (kind === "i" ? SLOT.ibat0u : SLOT.dbat0u) + PAIR * pair;
  return { upper: state.get32(first), lower: state.get32(first + 8) };
}

/** Where a block leads. */
export interface BlockAddress {
  /** Which of the pairs. */
  readonly pair: number;
  /** Bytes of the block. */
  readonly size: number;
  readonly physical: number;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** The block that an address lies in, or undefined where segments and pages decide. */
export function blockOf(
  state: StateView,
  address: number,
  reach: Reach,
  problem: boolean,
): BlockAddress | undefined {
  const first = reach === REACH.fetch ? SLOT.ibat0u : SLOT.dbat0u;
  for (let pair = 0; pair < PAIRS; pair++) {
    const upper = state.get32(first + PAIR * pair);
    if (!(upper & (problem ? VALID_PROBLEM : VALID_SUPERVISOR))) continue;
    // BL has ones for the bits of the number that lie within the block: 128 KiB to 256 MiB.
    const inBlock = (upper >>> 2 & 0x7ff) << 17, compared = NUMBER & ~inBlock;
    if ((address ^ upper) & compared) continue;
    const lower = state.get32(first + PAIR * pair + 8), rights = lower & 3;
    return {
      pair,
      size: (inBlock | WITHIN) + 1,
      physical: (lower & compared | address & (inBlock | WITHIN)) >>> 0,
      // PP: 00 nothing, 10 everything, x1 reading only (7.4.4).
      readable: rights !== 0,
      writable: rights === 2,
    };
  }
  return undefined;
}
