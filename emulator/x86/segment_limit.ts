/** Limits of segments. SDM vol. 3A, 5.3. */
import type { Ops, SlotRef, Value } from "../ir/ops.ts";
import { slotAfter } from "../ir/ops.ts";
import { raise, VECTOR } from "./exception.ts";
import { CODE_LAST, segmentBase, segmentReadable, segmentWritable } from "./slots.ts";
import { isChecked, type Variant } from "./variant.ts";

/** Why memory is reached; `none`: it is not, its address is wanted only. */
export type Access = "read" | "write" | "none";

/**
 * Real mode: #GP, or #SS within the stack segment, for what does not end at offset ffff at the latest. SDM vol. 3A,
 * "Segment Limit Checking"; `vector` has 32 bits.
 */
export function checkLimit<V extends Value>(b: Ops<V>, offset: V, bytes: number, vector: () => V): void {
  if (bytes === 1 && offset.width === 16) return;
  const last = b.constant(offset.width, 0x1_0000 - bytes);
  b.when(b.ltu(last, offset), () => raise(b, vector()));
}

/** Distance from a segment's base to the range that an access may lie in. */
const RANGE = { read: segmentReadable(0) - segmentBase(0), write: segmentWritable(0) - segmentBase(0) };

/**
 * Whether `bytes` at an offset of 16 or 32 bits do not all lie where the segment with this base may be read or written.
 * An access does not wrap at 4 GiB.
 */
export function isOutside<V extends Value>(
  b: Ops<V>,
  base: SlotRef,
  offset: V,
  bytes: number,
  access: "read" | "write",
): V {
  const range = slotAfter(base, RANGE[access]);
  const first = b.zext(offset, 32), last = b.add(first, b.constant(32, bytes - 1));
  const outside = b.or(b.ltu(first, b.read(range, 32)), b.ltu(b.read(slotAfter(range, 4), 32), last));
  return offset.width === 16 || bytes === 1 ? outside : b.or(outside, b.ltu(last, first));
}

/** #GP for a near branch, if `taken` (width 1), to beyond the end of the code segment. SDM vol. 2A, JMP and CALL. */
export function checkTarget<V extends Value>(b: Ops<V>, variant: Variant, target: V, taken?: V): void {
  if (!isChecked(variant)) return;
  const beyond = b.ltu(b.read(CODE_LAST, 32), b.trunc(target, 32));
  b.when(taken === undefined ? beyond : b.and(taken, beyond), () => raise(b, VECTOR.GP));
}
