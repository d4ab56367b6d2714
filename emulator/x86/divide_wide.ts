/**
 * 128 bits divided by 64 without a loop: schoolbook division with two digits of 32 bits (Knuth, vol. 2, 4.3.1,
 * algorithm D). Each quotient digit is guessed from the top digits and is at most 2 too large.
 */
import type { Ops, Value } from "../ir/ops.ts";

interface Wide<V extends Value> {
  readonly quotient: V;
  readonly remainder: V;
  /** Width 1: the divisor is 0, or the quotient has more than 64 bits (63 and a sign). */
  readonly bad: V;
}

/** Digits of 32 bits of the divisor, shifted so that its top bit is set. */
interface Normalized<V extends Value> {
  readonly whole: V;
  readonly high: V;
  readonly low: V;
}

/** One quotient digit of `part`:`next` (96 bits), and what is left of it. `part` is below the divisor. */
function digit<V extends Value>(b: Ops<V>, part: V, next: V, divisor: Normalized<V>): { q: V; rest: V } {
  const half = b.constant(64, 32), base = b.constant(64, 1n << 32n), one = b.constant(64, 1);
  let q = b.divu(part, divisor.high);
  let rest = b.sub(part, b.mul(q, divisor.high));
  for (let correction = 0; correction < 2; correction++) {
    const over = b.or(
      b.leu(base, q),
      b.ltu(b.or(b.shl(rest, half), next), b.mul(q, divisor.low)),
    );
    // A rest of a digit or more says that the guess is right.
    const wrong = b.and(over, b.ltu(rest, base));
    q = b.select(wrong, b.sub(q, one), q);
    rest = b.select(wrong, b.add(rest, divisor.high), rest);
  }
  return { q, rest: b.sub(b.or(b.shl(part, half), next), b.mul(q, divisor.whole)) };
}

/** `high`:`low` / `divisor`, all 64 bits, unsigned. `high` is below the divisor, and that is not 0. */
function divideUnsigned<V extends Value>(
  b: Ops<V>,
  high: V,
  low: V,
  divisor: V,
): { quotient: V; remainder: V } {
  const constant = (value: number | bigint) => b.constant(64, value);
  const half = constant(32), mask = constant(0xffff_ffff);
  const shift = b.clz(divisor), whole = b.shl(divisor, shift);
  const normalized = { whole, high: b.shr(whole, half), low: b.and(whole, mask) };
  // What of `low` moves up: shifted in two steps, so that a shift of 64 gives 0.
  const moved = b.shr(b.shr(low, constant(1)), b.sub(constant(63), shift));
  const top = b.or(b.shl(high, shift), moved), bottom = b.shl(low, shift);
  const first = digit(b, top, b.shr(bottom, half), normalized);
  const second = digit(b, first.rest, b.and(bottom, mask), normalized);
  return {
    quotient: b.or(b.shl(first.q, half), b.and(second.q, mask)),
    remainder: b.shr(second.rest, shift),
  };
}

/** `high`:`low` / `divisor`; where `bad`, the other two mean nothing. */
export function divideWide<V extends Value>(
  b: Ops<V>,
  high: V,
  low: V,
  divisor: V,
  signed: boolean,
): Wide<V> {
  const zero = b.constant(64, 0);
  const isNegative = (v: V) => signed ? b.lts(v, zero) : b.constant(1, 0);
  const negate = (condition: V, v: V) => signed ? b.select(condition, b.neg(v), v) : v;
  const minus = isNegative(high), minusDivisor = isNegative(divisor);
  const differ = b.xor(minus, minusDivisor);
  // The magnitude of high:low: the complement, with a carry into the upper half if the lower one is 0.
  const negatedHigh = b.add(b.not(high), b.zext(b.eq(low, zero), 64));
  const upper = signed ? b.select(minus, negatedHigh, high) : high;
  const lower = negate(minus, low), d = negate(minusDivisor, divisor);
  const tooLarge = b.leu(d, upper);
  const unsigned = divideUnsigned(
    b,
    b.select(tooLarge, zero, upper),
    lower,
    b.select(tooLarge, b.constant(64, 1), d),
  );
  const quotient = negate(differ, unsigned.quotient);
  // A quotient that is not 0 has the sign that its operands give it.
  const wrongSign = b.and(b.ne(unsigned.quotient, zero), b.xor(isNegative(quotient), differ));
  return {
    quotient,
    remainder: negate(minus, unsigned.remainder),
    bad: signed ? b.or(tooLarge, wrongSign) : tooLarge,
  };
}
