/** The stack as instructions use it: the stack pointer is as wide as the mode. */
import type { Ops, Value } from "../ir/ops.ts";
import type { Mode } from "./registers.ts";
import { RSP, segmentBase, SS } from "./slots.ts";

/** Linear address of a stack offset. 16-bit mode adds the SS base. */
export function stackAddress<V extends Value>(b: Ops<V>, mode: Mode, offset: V): V {
  return mode === 16 ? b.add(b.zext(offset, 32), b.read(segmentBase(SS), 32)) : offset;
}

/** Stores `value` below the stack pointer, then moves it: nothing changes if the store faults. */
export function pushValue<V extends Value>(b: Ops<V>, mode: Mode, value: V): void {
  const sp = b.sub(b.read(RSP, mode), b.constant(mode, value.width / 8));
  b.store(stackAddress(b, mode, sp), value);
  b.write(RSP, sp);
}

/** What is on top of the stack, and the stack pointer above it, which the caller writes. */
export function topOfStack<V extends Value>(b: Ops<V>, mode: Mode, width: 16 | 32 | 64): { value: V; sp: V } {
  const sp = b.read(RSP, mode);
  return { value: b.load(stackAddress(b, mode, sp), width), sp: b.add(sp, b.constant(mode, width / 8)) };
}
