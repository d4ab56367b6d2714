/**
 * The condition register: eight 4-bit fields. A comparison also leaves named conditions (`"lt"`), so that a branch on it can
 * use the operands instead of the stored field. Regions keep the operands and store the field where somebody wants it.
 */
import { type KeptGroup, KeptGroups } from "../ir/keeper.ts";
import { STATE } from "../ir/layout.ts";
import type { Ops, Recipe, SlotRef, Value } from "../ir/ops.ts";
import { CR_BIT, crField, type PpcMode, SLOT } from "./state.ts";

/** The bits of a field in the order of their numbers. */
export const CR_BITS = ["lt", "gt", "eq", "so"] as const;

/**
 * Fields whose comparisons and branches have forms of their own, so that they fuse in the interpreter, which does not know
 * the others when it is made: 0 is what every record form and most compiled code uses, 7 is what older compilers took
 * first. Each further field would cost eight branch forms and eight compare forms.
 */
export const FUSED_FIELDS: readonly number[] = [0, 7];

/** The fields, which regions keep each as the operands of the last comparison. */
export function keptFields(mode: PpcMode): KeptGroups {
  const fields = Array.from({ length: 8 }, (_, field): KeptGroup => ({
    slots: [{ slot: crField(field), width: 32 }],
    holding: [{ slot: crField(field), width: mode }, { slot: STATE.end + 8 * field, width: mode }],
    reads: [SLOT.so],
  }));
  return new KeptGroups(fields);
}

/** What a comparison looks at of the registers, and how. */
export interface Comparison {
  readonly size: 32 | 64;
  readonly signed: boolean;
}

/** Comparison of two registers as a field: LT, GT, EQ, then a copy of XER[SO]. */
function comparison<V extends Value>(b: Ops<V>, left: V, right: V, { size, signed }: Comparison) {
  const x = b.trunc(left, size), y = b.trunc(right, size);
  const so = b.read(SLOT.so, 32);
  const less = signed ? () => b.lts(x, y) : () => b.ltu(x, y);
  const greater = signed ? () => b.lts(y, x) : () => b.ltu(y, x);
  const equal = () => b.eq(x, y);
  const order = b.select(less(), b.constant(32, CR_BIT.lt), b.constant(32, CR_BIT.gt));
  const value = b.or(b.select(equal(), b.constant(32, CR_BIT.eq), order), so);
  return { x, y, value, so, less, greater, equal };
}

/** The recipe that leaves a comparison in the field in `slot`. */
export function compareRecipe<V extends Value>(
  b: Ops<V>,
  slot: SlotRef,
  left: V,
  right: V,
  how: Comparison,
): Recipe<V> {
  const { x, y, value, so, less, greater, equal } = comparison(b, left, right, how);
  return {
    writes: [[slot, value]],
    again: {
      key: `${how.signed ? "signed" : "unsigned"}${how.size}`,
      from: [left, right],
      make: (b, [left, right]) => compareRecipe(b, slot, left, right, how),
    },
    conditions: { lt: less, gt: greater, eq: equal, so: () => b.trunc(so, 1) },
    operands: [x, y, so],
  };
}

/** Rc=1: CR field 0 by the signed comparison of the result with 0 (Book I 2.3.1). Comes last. */
export function recordResult<V extends Value>(b: Ops<V>, result: V): void {
  const { width } = result, size = width === 64 ? 64 : 32;
  b.flags(compareRecipe(b, crField(0), result, b.constant(width, 0), { size, signed: true }));
}
