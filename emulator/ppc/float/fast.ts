/**
 * Addition, subtraction, multiplication and division in double format on the host's own numbers, where that is
 * provably the same: round to nearest, operands and result far from the ends of the exponent's range. What was rounded
 * away is found exactly (Knuth's two-sum, Dekker's two-product: Handbook of Floating-Point Arithmetic 4.3, 4.4),
 * and tells FI, FR and XX. Everything else is left to the exact way.
 */
import { FPSCR, ROUND, type Status } from "./fpscr.ts";
import { bitsOf, numberOf } from "./number.ts";
import type { FloatOperands } from "./operations.ts";

/** Operands and results between these neither overflow nor lose bits of an error term. */
const LEAST = 2 ** -450, MOST = 2 ** 450;
/** 2^27 + 1: splits a significand into halves of 26 bits. */
const SPLITTER = 134_217_729;

/** False for NaN too. */
function ordinary(x: number): boolean {
  const size = Math.abs(x);
  return size > LEAST && size < MOST;
}

/** x * y = product + this, exactly. */
function productError(x: number, y: number, product: number): number {
  const xs = x * SPLITTER, ys = y * SPLITTER;
  const xh = xs - (xs - x), yh = ys - (ys - y), xl = x - xh, yl = y - yh;
  return xl * yl - (product - xh * yh - xl * yh - xh * yl);
}

/** Leaves the status of `result`, which is `error` away from the exact value on the side that `error`'s sign tells. */
function leave(status: Status, result: number, error: number): bigint {
  const up = error !== 0 && error < 0 === result > 0;
  status.rounded(up, error !== 0);
  if (error !== 0) status.raise(FPSCR.XX);
  status.classify("normal", result < 0 ? 1 : 0);
  return bitsOf(result);
}

/** Computes a result, or undefined where the exact way has to be taken. */
export type FastOperation = (status: Status, operands: FloatOperands) => bigint | undefined;

/** `compute` gives the result and the exact value less the result (for a quotient: of that sign). */
function fast(
  second: 1 | 2,
  compute: (x: number, y: number) => readonly [result: number, error: number],
): FastOperation {
  return (status, operands) => {
    if (status.rounding !== ROUND.nearest) return undefined;
    const x = numberOf(operands[0]), y = numberOf(operands[second]);
    if (!ordinary(x) || !ordinary(y)) return undefined;
    const [result, error] = compute(x, y);
    return ordinary(result) ? leave(status, result, error) : undefined;
  };
}

function sum(x: number, y: number): readonly [number, number] {
  const result = x + y, other = result - x;
  return [result, x - (result - other) + (y - other)];
}

export const fastAdd = fast(1, sum);
export const fastSubtract = fast(1, (x, y) => sum(x, -y));
export const fastMultiply = fast(2, (x, y) => {
  const product = x * y;
  return [product, productError(x, y, product)];
});
export const fastDivide = fast(1, (x, y) => {
  const quotient = x / y, back = quotient * y;
  // The remainder is exact (4.7); divided by y it has the error's sign.
  const remainder = x - back - productError(quotient, y, back);
  return [quotient, y < 0 ? -remainder : remainder];
});
