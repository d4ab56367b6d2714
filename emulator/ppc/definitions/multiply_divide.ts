/** Multiplication and division (Power ISA 2.07B Book I 3.3.9). */
import type { Ops, Value, Width } from "../../ir/ops.ts";
import { finish } from "../arithmetic.ts";
import { type Definition, ppc } from "../definition.ts";

/** Multiply Low Immediate. prod <- (RA) x EXTS(SI); RT <- the product's low half. */
export const mulli = ppc("mulli", {
  pattern: "D-form: 7 RT RA SI",
  syntax: "RT, RA, SI",
  cycleClass: "mul",
  semantics(b, { RT, RA, SI }) {
    RT.write(b, b.mul(RA.read(b), SI.read(b)));
  },
  examples: [
    "1c64fffd | mulli r3, r4, -3 | r4=2 => r3=fffffffa | 32",
    "1c640007 | mulli r3, r4, 7 | r4=3 => r3=15",
  ],
});

/** Multiply Low Word. RT <- (RA)32:63 x (RB)32:63: the low 32 bits in mode 32, the whole product in mode 64. */
export const mullw = ppc("mullw", {
  pattern: "XO-form: 31 RT RA RB OE 235 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    const product = b.mul(b.sext(RA.word(b), 64), b.sext(RB.word(b), 64)), low = b.trunc(product, 32);
    finish(b, RT, variant, b.trunc(product, variant.mode), () => b.ne(b.sext(low, 64), product));
  },
  examples: [
    "7c6429d6 | mullw r3, r4, r5 | r4=10000 r5=10000 => r3=0 | 32",
    "7c6429d6 | mullw r3, r4, r5 | r4=ffffffff r5=3 => r3=fffffffffffffffd | 64",
    "7c642dd7 | mullwo. r3, r4, r5 | r4=7fffffff r5=2 => r3=fffffffe ov=1 so=1 cr0=9 | 32",
    "7c642dd7 | mullwo. r3, r4, r5 | r4=7fffffff r5=2 => r3=fffffffe ov=1 so=1 cr0=5 | 64",
  ],
});

/** High word of a 32 x 32 product; the upper half of RT is undefined in mode 64 and set to 0 here. */
function highWord<V extends Value>(b: Ops<V>, x: V, y: V): V {
  return b.trunc(b.shr(b.mul(x, y), b.constant(64, 32)), 32);
}

/** Multiply High Word. RT32:63 <- ((RA)32:63 x (RB)32:63)0:31, signed. */
export const mulhw = ppc("mulhw", {
  pattern: "XO-form: 31 RT RA RB /1 75 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    finish(b, RT, variant, highWord(b, b.sext(RA.word(b), 64), b.sext(RB.word(b), 64)));
  },
  examples: [
    "7c642896 | mulhw r3, r4, r5 | r4=ffffffff r5=2 => r3=ffffffff",
    "7c642896 | mulhw r3, r4, r5 | r4=10000 r5=30000 => r3=3",
  ],
});

/** Multiply High Word Unsigned. RT32:63 <- ((RA)32:63 x (RB)32:63)0:31, unsigned. */
export const mulhwu = ppc("mulhwu", {
  pattern: "XO-form: 31 RT RA RB /1 11 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    finish(b, RT, variant, highWord(b, b.zext(RA.word(b), 64), b.zext(RB.word(b), 64)));
  },
  examples: ["7c642816 | mulhwu r3, r4, r5 | r4=ffffffff r5=2 => r3=1"],
});

/** Multiply Low Doubleword. RT <- ((RA) x (RB))64:127. */
export const mulld = ppc("mulld", {
  pattern: "XO-form: 31 RT RA RB OE 233 Rc",
  syntax: "RT, RA, RB",
  only: 64,
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    const x = RA.read(b), y = RB.read(b), low = b.mul(x, y);
    finish(b, RT, variant, low, () => b.ne(b.mulhs(x, y), b.sar(low, b.constant(64, 63))));
  },
  examples: [
    "7c6429d2 | mulld r3, r4, r5 | r4=100000000 r5=7 => r3=700000000",
    "7c642dd2 | mulldo r3, r4, r5 | r4=100000000 r5=100000000 => r3=0 ov=1 so=1",
  ],
});

/** Multiply High Doubleword. RT <- ((RA) x (RB))0:63, signed. */
export const mulhd = ppc("mulhd", {
  pattern: "XO-form: 31 RT RA RB /1 73 Rc",
  syntax: "RT, RA, RB",
  only: 64,
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    finish(b, RT, variant, b.mulhs(RA.read(b), RB.read(b)));
  },
  examples: ["7c642892 | mulhd r3, r4, r5 | r4=ffffffffffffffff r5=2 => r3=ffffffffffffffff"],
});

/** Multiply High Doubleword Unsigned. RT <- ((RA) x (RB))0:63, unsigned. */
export const mulhdu = ppc("mulhdu", {
  pattern: "XO-form: 31 RT RA RB /1 9 Rc",
  syntax: "RT, RA, RB",
  only: 64,
  cycleClass: "mul",
  semantics(b, { RT, RA, RB }, variant) {
    finish(b, RT, variant, b.mulhu(RA.read(b), RB.read(b)));
  },
  examples: ["7c642812 | mulhdu r3, r4, r5 | r4=ffffffffffffffff r5=2 => r3=1"],
});

/**
 * Quotient and whether it overflows. The manual leaves the result of a division by 0, or of the most
 * negative number by -1, undefined; here it is the dividend's sign in every bit, as the 603 and 750 leave
 * it, and 0 when unsigned.
 */
function divide<V extends Value>(b: Ops<V>, signed: boolean, n: V, d: V, width: Width): { q: V; bad: V } {
  const one = b.constant(width, 1), zero = b.eq(d, b.constant(width, 0));
  if (!signed) {
    const q = b.divu(n, b.select(zero, one, d));
    return { q: b.select(zero, b.constant(width, 0), q), bad: zero };
  }
  const most = b.eq(n, b.constant(width, 1n << BigInt(width - 1)));
  const bad = b.or(zero, b.and(most, b.eq(d, b.constant(width, -1))));
  const q = b.divs(n, b.select(bad, one, d));
  return { q: b.select(bad, b.sar(n, b.constant(width, width - 1)), q), bad };
}

/** Divide Word. RT32:63 <- (RA)32:63 / (RB)32:63, signed; the upper half is undefined in mode 64, 0 here. */
export const divw = ppc("divw", {
  pattern: "XO-form: 31 RT RA RB OE 491 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "div",
  semantics(b, { RT, RA, RB }, variant) {
    const { q, bad } = divide(b, true, RA.word(b), RB.word(b), 32);
    finish(b, RT, variant, q, () => bad);
  },
  examples: [
    "7c642bd6 | divw r3, r4, r5 | r4=7 r5=2 => r3=3",
    "7c642bd6 | divw r3, r4, r5 | r4=fffffff9 r5=2 => r3=fffffffd",
    "7c642fd6 | divwo r3, r4, r5 | r4=7 r5=0 => r3=0 ov=1 so=1",
    "7c642fd6 | divwo r3, r4, r5 | r4=80000000 r5=ffffffff => r3=ffffffff ov=1 so=1",
  ],
});

/** Divide Word Unsigned. RT32:63 <- (RA)32:63 / (RB)32:63, unsigned. */
export const divwu = ppc("divwu", {
  pattern: "XO-form: 31 RT RA RB OE 459 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "div",
  semantics(b, { RT, RA, RB }, variant) {
    const { q, bad } = divide(b, false, RA.word(b), RB.word(b), 32);
    finish(b, RT, variant, q, () => bad);
  },
  examples: [
    "7c642b96 | divwu r3, r4, r5 | r4=fffffff9 r5=2 => r3=7ffffffc",
    "7c642f97 | divwuo. r3, r4, r5 | r4=7 r5=0 => r3=0 ov=1 so=1 cr0=3",
  ],
});

/** Divide Doubleword. RT <- (RA) / (RB), signed. */
export const divd = ppc("divd", {
  pattern: "XO-form: 31 RT RA RB OE 489 Rc",
  syntax: "RT, RA, RB",
  only: 64,
  cycleClass: "div",
  semantics(b, { RT, RA, RB }, variant) {
    const { q, bad } = divide(b, true, RA.read(b), RB.read(b), 64);
    finish(b, RT, variant, q, () => bad);
  },
  examples: [
    "7c642bd2 | divd r3, r4, r5 | r4=fffffffffffffff9 r5=2 => r3=fffffffffffffffd",
    "7c642fd2 | divdo r3, r4, r5 | r4=8000000000000000 r5=ffffffffffffffff => r3=ffffffffffffffff ov=1 so=1",
  ],
});

/** Divide Doubleword Unsigned. RT <- (RA) / (RB), unsigned. */
export const divdu = ppc("divdu", {
  pattern: "XO-form: 31 RT RA RB OE 457 Rc",
  syntax: "RT, RA, RB",
  only: 64,
  cycleClass: "div",
  semantics(b, { RT, RA, RB }, variant) {
    const { q, bad } = divide(b, false, RA.read(b), RB.read(b), 64);
    finish(b, RT, variant, q, () => bad);
  },
  examples: ["7c642b92 | divdu r3, r4, r5 | r4=fffffffffffffff9 r5=2 => r3=7ffffffffffffffc"],
});

export const MULTIPLY_DIVIDE: readonly Definition[] = [
  ...[mulli, mullw, mulhw, mulhwu, mulld, mulhd, mulhdu, divw, divwu, divd, divdu],
];
