/** The stack as instructions use it. SDM vol. 1, 6.2.3 to 6.2.5. */
import type { Ops, Value } from "../ir/ops.ts";
import { raise, VECTOR } from "./exception.ts";
import { checkLimit, isOutside } from "./segment_limit.ts";
import { RSP, segmentBase, SS } from "./slots.ts";
import { isChecked, type Variant } from "./variant.ts";

/** Linear address of a stack offset. */
function linear<V extends Value>(b: Ops<V>, { flat }: Variant, offset: V): V {
  return flat ? offset : b.add(b.zext(offset, 32), b.read(segmentBase(SS), 32));
}

/** Linear address of `bytes` at a stack offset; raises `vector` where the stack segment does not hold them. */
export function stackAddress<V extends Value>(
  b: Ops<V>,
  variant: Variant,
  offset: V,
  bytes: number,
  access: "read" | "write",
  vector: number = VECTOR.SS,
): V {
  if (isChecked(variant)) {
    b.when(isOutside(b, segmentBase(SS), offset, bytes, access), () => raise(b, vector));
  } else if (variant.selectors === "real") checkLimit(b, offset, bytes, () => b.constant(32, vector));
  return linear(b, variant, offset);
}

/** Loads from a stack offset. */
export function stackLoad<V extends Value>(
  b: Ops<V>,
  variant: Variant,
  offset: V,
  width: 16 | 32 | 64,
): V {
  return b.load(stackAddress(b, variant, offset, width / 8, "read"), width);
}

/** Stores at a stack offset. */
export function stackStore<V extends Value>(b: Ops<V>, variant: Variant, offset: V, value: V): void {
  b.store(stackAddress(b, variant, offset, value.width / 8, "write"), value);
}

/**
 * Stores values below the stack pointer, the first one highest, then moves it: it stays if a store faults. With limits
 * nothing is stored unless there is room for all (SDM vol. 2B, PUSHA).
 */
export function pushAll<V extends Value>(b: Ops<V>, variant: Variant, values: readonly V[]): void {
  const { stack } = variant;
  let sp = b.read(RSP, stack);
  const placed = values.map((value) => {
    sp = b.sub(sp, b.constant(stack, value.width / 8));
    return { value, at: sp };
  });
  if (!isChecked(variant) || values.length === 1) {
    for (const { value, at } of placed) stackStore(b, variant, at, value);
  } else {
    const outside = placed.map(({ value, at }) => isOutside(b, segmentBase(SS), at, value.width / 8, "write"))
      .reduce((x, y) => b.or(x, y));
    b.when(outside, () => raise(b, VECTOR.SS));
    for (const { value, at } of placed) b.store(linear(b, variant, at), value);
  }
  b.write(RSP, sp);
}

/** Stores `value` below the stack pointer, then moves it: nothing changes if the store faults. */
export function pushValue<V extends Value>(b: Ops<V>, variant: Variant, value: V): void {
  pushAll(b, variant, [value]);
}

/** What is on top of the stack, and the stack pointer above it, which the caller writes. */
export function topOfStack<V extends Value>(
  b: Ops<V>,
  variant: Variant,
  width: 16 | 32 | 64,
): { value: V; sp: V } {
  const { stack } = variant, sp = b.read(RSP, stack);
  return { value: stackLoad(b, variant, sp, width), sp: b.add(sp, b.constant(stack, width / 8)) };
}
