/** Segment registers where a selector is a base. SDM vol. 3B, "Address Translation in Real-Address Mode" and 21.1.1. */
import { type Ops, slotAfter, type SlotRef, type Value } from "../ir/ops.ts";
import { segmentReadable, SEGMENTS_CHANGED, segmentSelector, segmentWritable } from "./slots.ts";
import type { Variant } from "./variant.ts";

/** Every offset of 16 bits. */
const WHOLE = 0xffffn << 32n;

/**
 * The base becomes the selector times 16. In virtual-8086 mode the limit becomes ffff too; in real mode it stays, and
 * is not looked at.
 */
export function writeBaseSelector<V extends Value>(
  b: Ops<V>,
  { selectors }: Variant,
  selectorSlot: SlotRef,
  baseSlot: SlotRef,
  selector: V,
): void {
  b.write(selectorSlot, selector);
  b.write(baseSlot, b.shl(b.zext(selector, 32), b.constant(32, 4)));
  if (selectors === "real") return;
  for (const range of [segmentReadable(0), segmentWritable(0)]) {
    b.write(slotAfter(selectorSlot, range - segmentSelector(0)), b.constant(64, WHOLE));
  }
}

/**
 * At the end of an instruction that has loaded a segment register: the machine changes to code that adds bases and
 * checks limits, or to a stack pointer of another width, if the segment asks for it.
 */
export function settleSegments<V extends Value>(b: Ops<V>, { selectors, mode }: Variant): void {
  if (selectors !== "protected" || mode === 64) return;
  b.when(b.ne(b.read(SEGMENTS_CHANGED, 32), b.constant(32, 0)), () => b.trap("segments_changed", []));
}
