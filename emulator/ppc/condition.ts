/**
 * The condition register: eight 4-bit fields. A comparison also leaves named conditions (`"cr0.lt"`), so that a branch on
 * it can use the operands instead of the stored field. Regions keep the operands and store the field where somebody wants it.
 */
import type { KeptGroup } from "../ir/keeper.ts";
import { STATE } from "../ir/layout.ts";
import type { Ops, Recipe, Value } from "../ir/ops.ts";
import { CR_BIT, crField, type PpcMode, SLOT } from "./state.ts";

/** The bits of a field in the order of their numbers. */
export const CR_BITS = ["lt", "gt", "eq", "so"] as const;

/**
 * Fields whose comparisons and branches have forms of their own, so that they can fuse: 0 is what
 * every record form and most compiled code uses, 7 is what older compilers took first. Each further field
 * would cost eight branch forms and eight compare forms in the interpreter.
 */
export const FUSED_FIELDS: readonly number[] = [0, 7];

/** Fields that regions keep as the operands of the last comparison. */
export function keptFields(mode: PpcMode): KeptGroup[] {
  return FUSED_FIELDS.map((field) => ({
    slots: [{ slot: crField(field), width: 32 }],
    holding: [{ slot: crField(field), width: mode }, { slot: STATE.end + 8 * field, width: mode }],
    reads: [SLOT.so],
  }));
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

/** The recipe that leaves a comparison in field `field`, which must be one of `FUSED_FIELDS`. */
export function compareRecipe<V extends Value>(
  b: Ops<V>,
  field: number,
  left: V,
  right: V,
  how: Comparison,
): Recipe<V> {
  const { x, y, value, so, less, greater, equal } = comparison(b, left, right, how);
  return {
    writes: [[crField(field), value]],
    again: {
      key: `${how.signed ? "signed" : "unsigned"}${how.size}`,
      from: [left, right],
      make: (b, [left, right]) => compareRecipe(b, field, left, right, how),
    },
    conditions: {
      [`cr${field}.lt`]: less,
      [`cr${field}.gt`]: greater,
      [`cr${field}.eq`]: equal,
      [`cr${field}.so`]: () => b.trunc(so, 1),
    },
    operands: [x, y, so],
  };
}

/** The value of a field after comparing, for fields that have no recipe. */
export function compareValue<V extends Value>(b: Ops<V>, left: V, right: V, how: Comparison): V {
  return comparison(b, left, right, how).value;
}

/** Rc=1: CR field 0 by the signed comparison of the result with 0 (Book I 2.3.1). Comes last. */
export function recordResult<V extends Value>(b: Ops<V>, result: V): void {
  const { width } = result, size = width === 64 ? 64 : 32;
  b.flags(compareRecipe(b, 0, result, b.constant(width, 0), { size, signed: true }));
}
