/**
 * Division of a dividend extended by zeros on the right (Power ISA 2.07B Book I 3.3.9). A quotient that does not fit,
 * and one by 0, are undefined: 0 here, with OV.
 */
import type { Ops, Value, Width } from "../../ir/ops.ts";
import { finish } from "../arithmetic.ts";
import { type Definition, ppc } from "../definition.ts";

/** n * 2^width / d for n < d. */
function quotient<V extends Value>(b: Ops<V>, n: V, d: V, width: Width): V {
  if (width === 64) return b.trap("divideWide", [n, d], 64);
  const dividend = b.shl(b.zext(n, 64), b.constant(64, 32));
  return b.trunc(b.divu(dividend, b.zext(d, 64)), 32);
}

/** A quotient and whether it overflows: the dividend's top half not below the divisor. */
function unsigned<V extends Value>(b: Ops<V>, n: V, d: V, width: Width): { q: V; bad: V } {
  const bad = b.leu(d, n), zero = b.constant(width, 0);
  const q = quotient(b, b.select(bad, zero, n), b.select(bad, b.constant(width, 1), d), width);
  return { q: b.select(bad, zero, q), bad };
}

function magnitude<V extends Value>(b: Ops<V>, x: V): V {
  return b.select(b.lts(x, b.constant(x.width, 0)), b.neg(x), x);
}

/** By magnitudes; the quotient then needs room for its sign. */
function signed<V extends Value>(b: Ops<V>, n: V, d: V, width: Width): { q: V; bad: V } {
  const zero = b.constant(width, 0), least = b.constant(width, 1n << BigInt(width - 1));
  const { q, bad } = unsigned(b, magnitude(b, n), magnitude(b, d), width);
  const negative = b.lts(b.xor(n, d), zero);
  const outside = b.or(bad, b.select(negative, b.ltu(least, q), b.leu(least, q)));
  return { q: b.select(outside, zero, b.select(negative, b.neg(q), q)), bad: outside };
}

function divide(
  mnemonic: string,
  extended: number,
  width: 32 | 64,
  compute: typeof signed,
  examples: readonly string[],
): Definition {
  return ppc(mnemonic, {
    pattern: `XO-form: 31 RT RA RB OE ${extended} Rc`,
    syntax: "RT, RA, RB",
    only: 64,
    cycleClass: "div",
    semantics(b, { RT, RA, RB }, variant) {
      const [n, d] = width === 32 ? [RA.word(b), RB.word(b)] : [RA.read(b), RB.read(b)];
      const { q, bad } = compute(b, n, d, width);
      finish(b, RT, variant, q, () => bad);
    },
    examples,
  });
}

/** Divide Word Extended. RT32:63 <- ((RA)32:63 || 0) / (RB)32:63, signed; the upper half is undefined, 0 here. */
export const divwe = divide("divwe", 427, 32, signed, [
  "7c642b56 | divwe r3, r4, r5 | r4=1 r5=4 => r3=40000000",
  "7c642b56 | divwe r3, r4, r5 | r4=ffffffff r5=2 => r3=80000000",
  "7c642f56 | divweo r3, r4, r5 | r4=1 r5=2 => r3=0 ov=1 so=1",
]);
/** Divide Word Extended Unsigned. */
export const divweu = divide("divweu", 395, 32, unsigned, [
  "7c642b16 | divweu r3, r4, r5 | r4=1 r5=3 => r3=55555555",
  "7c642f17 | divweuo. r3, r4, r5 | r4=3 r5=3 => r3=0 ov=1 so=1 cr0=3",
]);
/** Divide Doubleword Extended. */
export const divde = divide("divde", 425, 64, signed, [
  "7c642b52 | divde r3, r4, r5 | r4=1 r5=fffffffffffffffd => r3=aaaaaaaaaaaaaaab",
  "7c642b52 | divde r3, r4, r5 | r4=1 r5=fffffffffffffffe => r3=8000000000000000",
]);
/** Divide Doubleword Extended Unsigned. */
export const divdeu = divide("divdeu", 393, 64, unsigned, [
  "7c642b12 | divdeu r3, r4, r5 | r4=1 r5=3 => r3=5555555555555555",
  "7c642f12 | divdeuo r3, r4, r5 | r4=1 r5=0 => r3=0 ov=1 so=1",
]);

export const DIVIDE_EXTENDED: readonly Definition[] = [divwe, divweu, divde, divdeu];
