/**
 * Carry and overflow (Power ISA 2.07B Book I 3.2.2 and 3.3.9). In mode 64 both are by the 64-bit result, in mode
 * 32 by the 32-bit one, which is the registers' width. XER[OV32] and XER[CA32] are ISA 3.0 and left out.
 */
import type { Ops, Value, Width } from "../ir/ops.ts";
import { recordResult } from "./condition.ts";
import type { Register } from "./operands.ts";
import { SLOT } from "./state.ts";
import type { Variant } from "./definition.ts";

/** XER[CA] as a value of `width`. */
export function readCarry<V extends Value>(b: Ops<V>, width: Width): V {
  return b.zext(b.read(SLOT.ca, 32), width);
}

export function writeCarry<V extends Value>(b: Ops<V>, carry: V): void {
  b.write(SLOT.ca, b.zext(carry, 32));
}

/** OE=1: OV is set or cleared, SO is set and stays. */
export function writeOverflow<V extends Value>(b: Ops<V>, overflow: V): void {
  const ov = b.zext(overflow, 32), so = b.or(b.read(SLOT.so, 32), ov);
  b.write(SLOT.ov, ov);
  b.write(SLOT.so, so);
}

/** Sum of two addends and an optional carry of 0 or 1, with the carry out of the top bit. */
export function addWithCarry<V extends Value>(b: Ops<V>, x: V, y: V, carryIn?: V): { sum: V; carry: V } {
  const first = b.add(x, y), carry = b.ltu(first, x);
  if (!carryIn) return { sum: first, carry };
  const sum = b.add(first, carryIn);
  return { sum, carry: b.or(carry, b.ltu(sum, first)) };
}

/** Signed overflow of `sum = x + y (+ carry)`: the addends' signs agree and the sum's differs. */
export function addOverflow<V extends Value>(b: Ops<V>, x: V, y: V, sum: V): V {
  return b.lts(b.and(b.xor(x, sum), b.xor(y, sum)), b.constant(sum.width, 0));
}

/** Writes an arithmetic result and what its variant records: OV and SO if OE=1, then CR0 if Rc=1. */
export function finish<V extends Value>(
  b: Ops<V>,
  to: Register<V>,
  { Rc, OE, mode }: Pick<Variant, "Rc" | "OE" | "mode">,
  result: V,
  overflow?: () => V,
): void {
  const overflowed = OE && overflow ? overflow() : undefined;
  const whole = b.zext(result, mode);
  to.write(b, whole);
  if (overflowed) writeOverflow(b, overflowed);
  if (Rc) recordResult(b, whole);
}
