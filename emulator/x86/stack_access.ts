/** The stack as instructions use it: the stack pointer is as wide as the mode. */
import type { Ops, Value } from "../ir/ops.ts";
import { VECTOR } from "./exception.ts";
import { checkLimit } from "./memory_operand.ts";
import type { Mode } from "./registers.ts";
import { RSP, segmentBase, SS } from "./slots.ts";

/** Linear address of `bytes` at a stack offset. 16-bit mode adds the SS base and raises `vector` past the end. */
export function stackAddress<V extends Value>(
  b: Ops<V>,
  mode: Mode,
  offset: V,
  bytes: number,
  vector: number = VECTOR.SS,
): V {
  if (mode !== 16) return offset;
  checkLimit(b, offset, bytes, () => b.constant(32, vector));
  return b.add(b.zext(offset, 32), b.read(segmentBase(SS), 32));
}

/** Loads from a stack offset. */
export function stackLoad<V extends Value>(b: Ops<V>, mode: Mode, offset: V, width: 16 | 32 | 64): V {
  return b.load(stackAddress(b, mode, offset, width / 8), width);
}

/** Stores values below the stack pointer, the first one highest, then moves it: it stays if a store faults. */
export function pushAll<V extends Value>(b: Ops<V>, mode: Mode, values: readonly V[]): void {
  let sp = b.read(RSP, mode);
  for (const value of values) {
    const bytes = value.width / 8;
    sp = b.sub(sp, b.constant(mode, bytes));
    b.store(stackAddress(b, mode, sp, bytes), value);
  }
  b.write(RSP, sp);
}

/** Stores `value` below the stack pointer, then moves it: nothing changes if the store faults. */
export function pushValue<V extends Value>(b: Ops<V>, mode: Mode, value: V): void {
  pushAll(b, mode, [value]);
}

/** What is on top of the stack, and the stack pointer above it, which the caller writes. */
export function topOfStack<V extends Value>(b: Ops<V>, mode: Mode, width: 16 | 32 | 64): { value: V; sp: V } {
  const sp = b.read(RSP, mode);
  return { value: stackLoad(b, mode, sp, width), sp: b.add(sp, b.constant(mode, width / 8)) };
}
