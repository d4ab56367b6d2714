/** What every floating-point definition begins and ends with (Power ISA 2.07B Book I 4.2.2, Book III-S 6.5). */
import type { Ops, Value } from "../ir/ops.ts";
import { ENABLE_DISTANCE, ENABLES, FPSCR, VX_ALL } from "./float/fpscr.ts";
import { crField, MSR, SLOT } from "./state.ts";

const FLOAT_UNAVAILABLE = 0x800;
const ENABLED_MODES = MSR.FE0 | MSR.FE1;

/** MSR[FP]=0: a floating-point unavailable interrupt, and the instruction is not executed. Comes first. */
export function needFloat<V extends Value>(b: Ops<V>): void {
  const available = b.and(b.read(SLOT.msr, 32), b.constant(32, MSR.FP));
  b.when(b.eq(available, b.constant(32, 0)), () => {
    b.trap("exception", [b.constant(32, FLOAT_UNAVAILABLE), b.constant(64, 0)]);
  });
}

/** Rc=1: CR field 1 by FX, FEX, VX and OX. */
export function recordStatus<V extends Value>(b: Ops<V>): void {
  b.write(crField(1), b.shr(b.read(SLOT.fpscr, 32), b.constant(32, 28)));
}

/** The instruction is complete: an enabled exception interrupts, unless MSR[FE0] and MSR[FE1] are 0. Comes last. */
export function raiseEnabled<V extends Value>(b: Ops<V>): void {
  const modes = b.and(b.read(SLOT.msr, 32), b.constant(32, ENABLED_MODES));
  const raised = b.and(b.read(SLOT.fpscr, 32), b.constant(32, FPSCR.FEX));
  const none = b.constant(32, 0);
  b.when(b.and(b.ne(modes, none), b.ne(raised, none)), () => b.trap("floatException", []));
}

/** FPSCR with VX and FEX as the sums that they are. */
export function summed<V extends Value>(b: Ops<V>, fpscr: V): V {
  const bit = (mask: number) => b.constant(32, mask), none = b.constant(32, 0);
  const rest = b.and(fpscr, bit(~(FPSCR.VX | FPSCR.FEX)));
  const invalid = b.ne(b.and(rest, bit(VX_ALL)), none);
  const withVx = b.or(rest, b.select(invalid, bit(FPSCR.VX), none));
  const enabled = b.and(b.and(b.shr(withVx, bit(ENABLE_DISTANCE)), withVx), bit(ENABLES));
  return b.or(withVx, b.select(b.ne(enabled, none), bit(FPSCR.FEX), none));
}
