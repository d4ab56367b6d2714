/** Floating-point arithmetic (Power ISA 2.07B Book I 4.6.6): exact first, rounded once. */
import { FPSCR, ROUND, type Status } from "./fpscr.ts";
import {
  bitLength,
  DEFAULT_NAN,
  type Finite,
  type FloatNumber,
  INFINITY,
  type NotANumber,
  ONE,
  opposite,
  quiet,
  type Sign,
  signBits,
  unpack,
} from "./number.ts";
import { type Format, round } from "./round.ts";

/** What an operation has to work with. A result of undefined leaves the target as it was. */
export interface Work {
  readonly status: Status;
  readonly format: Format;
}

/** The result of an invalid operation with these causes: `disabled`, or none if VE=1. 4.4.1. */
export function invalid({ status }: Work, causes: number, disabled: bigint): bigint | undefined {
  status.raise(causes);
  status.rounded(false, false);
  if (status.has(FPSCR.VE)) return undefined;
  status.classify("nan", 0);
  return disabled;
}

/** A NaN among the operands, the first in the order given, as a quiet one; with other causes it may come with. */
function notANumber(work: Work, operands: readonly FloatNumber[], also = 0): bigint | undefined {
  const nans = operands.filter((operand): operand is NotANumber => operand.kind === "nan");
  const causes = also | (nans.some(({ signaling }) => signaling) ? FPSCR.VXSNAN : 0);
  const result = quiet(nans[0]);
  if (causes) return invalid(work, causes, result);
  work.status.rounded(false, false);
  work.status.classify("nan", 0);
  return result;
}

function infinity({ status }: Work, sign: Sign): bigint {
  status.rounded(false, false);
  status.classify("infinity", sign);
  return INFINITY | signBits(sign);
}

export function zero({ status }: Work, sign: Sign): bigint {
  status.rounded(false, false);
  status.classify("zero", sign);
  return signBits(sign);
}

function rounded({ status, format }: Work, sign: Sign, significand: bigint, exponent: number): bigint {
  return round(status, format, sign, significand, exponent);
}

const isNan = (operand: FloatNumber) => operand.kind === "nan";

/** frA + frB. */
export function add(work: Work, aBits: bigint, bBits: bigint): bigint | undefined {
  const a = unpack(aBits), b = unpack(bBits);
  return isNan(a) || isNan(b) ? notANumber(work, [a, b]) : sum(work, a, b);
}

/** frA - frB. A NaN in frB keeps its sign. */
export function subtract(work: Work, aBits: bigint, bBits: bigint): bigint | undefined {
  const a = unpack(aBits), b = unpack(bBits);
  return isNan(a) || isNan(b) ? notANumber(work, [a, b]) : sum(work, a, negated(b));
}

function negated(x: FloatNumber): FloatNumber {
  return { ...x, sign: opposite(x.sign) };
}

function sum(work: Work, a: FloatNumber, b: FloatNumber): bigint | undefined {
  if (a.kind === "infinity" || b.kind === "infinity") {
    const opposed = a.kind === b.kind && a.sign !== b.sign;
    if (opposed) return invalid(work, FPSCR.VXISI, DEFAULT_NAN);
    return infinity(work, a.kind === "infinity" ? a.sign : b.sign);
  }
  const low = Math.min(exponentOf(a), exponentOf(b));
  const total = aligned(a, low) + aligned(b, low);
  if (total !== 0n) return rounded(work, total < 0n ? 1 : 0, total < 0n ? -total : total, low);
  if (a.sign === b.sign) return zero(work, a.sign);
  return zero(work, work.status.rounding === ROUND.down ? 1 : 0);
}

/** A zero does not decide where the other operand is aligned. */
function exponentOf(x: FloatNumber): number {
  return x.kind === "finite" ? x.exponent : Infinity;
}

function aligned(x: FloatNumber, low: number): bigint {
  if (x.kind !== "finite") return 0n;
  const value = x.significand << BigInt(x.exponent - low);
  return x.sign ? -value : value;
}

/**
 * frC as the multiplier takes it. In single format it has room for 25 bits: a single fits, and what does not, whose
 * result the manual leaves undefined, is rounded first, as on the 750.
 */
function multiplier({ format }: Work, cBits: bigint): FloatNumber {
  const c = unpack(cBits);
  const excess = format.precision === 24 && c.kind === "finite" ? bitLength(c.significand) - 25 : 0;
  if (c.kind !== "finite" || excess <= 0) return c;
  const half = 1n << BigInt(excess - 1);
  return { ...c, significand: c.significand + half >> BigInt(excess), exponent: c.exponent + excess };
}

/** frA x frC. */
export function multiply(work: Work, aBits: bigint, cBits: bigint): bigint | undefined {
  const a = unpack(aBits), c = multiplier(work, cBits);
  if (isNan(a) || isNan(c)) return notANumber(work, [a, c]);
  if (isZeroTimesInfinity(a, c)) return invalid(work, FPSCR.VXIMZ, DEFAULT_NAN);
  const product = times(a, c);
  if (product.kind === "infinity") return infinity(work, product.sign);
  if (product.kind !== "finite") return zero(work, product.sign);
  return rounded(work, product.sign, product.significand, product.exponent);
}

function isZeroTimesInfinity(a: FloatNumber, c: FloatNumber): boolean {
  return (a.kind === "zero" && c.kind === "infinity") || (a.kind === "infinity" && c.kind === "zero");
}

/** The exact product of two that are no NaN, and not 0 and infinity. */
function times(a: FloatNumber, c: FloatNumber): FloatNumber {
  const sign = (a.sign ^ c.sign) as Sign;
  if (a.kind === "infinity" || c.kind === "infinity") return { kind: "infinity", sign };
  if (a.kind !== "finite" || c.kind !== "finite") return { kind: "zero", sign };
  const significand = a.significand * c.significand, exponent = a.exponent + c.exponent;
  return { kind: "finite", sign, significand, exponent };
}

/** frA x frC + frB, or - frB if `minus`; the sign of a result that is no NaN is inverted if `negate`. */
export function multiplyAdd(
  work: Work,
  [aBits, bBits, cBits]: readonly [bigint, bigint, bigint],
  { minus, negate }: { minus: boolean; negate: boolean },
): bigint | undefined {
  const a = unpack(aBits), b = unpack(bBits), c = multiplier(work, cBits);
  const cause = isZeroTimesInfinity(a, c) ? FPSCR.VXIMZ : 0;
  // The manual's order of preference: frA, frB, frC.
  if (isNan(a) || isNan(b) || isNan(c)) return notANumber(work, [a, b, c], cause);
  if (cause) return invalid(work, cause, DEFAULT_NAN);
  const result = sum(work, times(a, c), minus ? negated(b) : b);
  if (!negate || result === undefined || unpack(result).kind === "nan") return result;
  // FPRF is by the result as it is stored.
  const { status } = work, sign: Sign = result >> 63n ? 0 : 1;
  status.bits = negatedClass(status.bits);
  return result & (1n << 63n) - 1n | signBits(sign);
}

/** FPRF of the number with the other sign. */
function negatedClass(bits: number): number {
  // Zeros are told apart by C, the others by FL and FG.
  if (bits & 0x2000) return (bits ^ 0x1_0000) >>> 0;
  return (bits ^ 0xc000) >>> 0;
}

/** frA / frB. */
export function divide(work: Work, aBits: bigint, bBits: bigint): bigint | undefined {
  const a = unpack(aBits), b = unpack(bBits), sign = (a.sign ^ b.sign) as Sign;
  if (isNan(a) || isNan(b)) return notANumber(work, [a, b]);
  if (a.kind === "infinity") {
    return b.kind === "infinity" ? invalid(work, FPSCR.VXIDI, DEFAULT_NAN) : infinity(work, sign);
  }
  if (b.kind === "zero") {
    return a.kind === "zero" ? invalid(work, FPSCR.VXZDZ, DEFAULT_NAN) : zeroDivide(work, sign);
  }
  if (b.kind !== "finite" || a.kind !== "finite") return zero(work, sign);
  return quotient(work, sign, a, b);
}

function quotient(work: Work, sign: Sign, a: Finite, b: Finite): bigint {
  const shift = 64 + bitLength(b.significand) - bitLength(a.significand);
  const n = a.significand << BigInt(shift), q = n / b.significand;
  const rest = q * b.significand === n ? 0n : 1n;
  return rounded(work, sign, q << 1n | rest, a.exponent - b.exponent - shift - 1);
}

/** Division of a finite number by zero: infinity, or nothing if ZE=1. 4.4.2. */
function zeroDivide(work: Work, sign: Sign): bigint | undefined {
  work.status.raise(FPSCR.ZX);
  work.status.rounded(false, false);
  return work.status.has(FPSCR.ZE) ? undefined : infinity(work, sign);
}

/** The square root of frB. */
export function squareRoot(work: Work, bBits: bigint): bigint | undefined {
  const b = unpack(bBits);
  if (b.kind === "nan") return notANumber(work, [b]);
  if (b.kind === "zero") return zero(work, b.sign);
  if (b.sign) return invalid(work, FPSCR.VXSQRT, DEFAULT_NAN);
  if (b.kind === "infinity") return infinity(work, 0);
  const { significand, exponent } = even(b, 128);
  const root = wholeRoot(significand), rest = root * root === significand ? 0n : 1n;
  return rounded(work, 0, root << 1n | rest, exponent / 2 - 1);
}

/**
 * 1 / frB: the estimate is the quotient itself. The manual asks for one part in 256 and leaves the rest to
 * the implementation.
 */
export function reciprocal(work: Work, bBits: bigint): bigint | undefined {
  const b = unpack(bBits);
  if (b.kind === "nan") return notANumber(work, [b]);
  if (b.kind === "zero") return zeroDivide(work, b.sign);
  return b.kind === "infinity" ? zero(work, b.sign) : quotient(work, b.sign, ONE, b);
}

/** 1 / the square root of frB, as `reciprocal`: the estimate is the value itself. */
export function reciprocalRoot(work: Work, bBits: bigint): bigint | undefined {
  const b = unpack(bBits);
  if (b.kind === "nan") return notANumber(work, [b]);
  if (b.kind === "zero") return zeroDivide(work, b.sign);
  if (b.sign) return invalid(work, FPSCR.VXSQRT, DEFAULT_NAN);
  if (b.kind === "infinity") return zero(work, 0);
  const { significand, exponent } = even(b, 64), numerator = 1n << 256n;
  const root = wholeRoot(numerator / significand), rest = root * root * significand === numerator ? 0n : 1n;
  return rounded(work, 0, root << 1n | rest, -128 - exponent / 2 - 1);
}

/** The same number with a significand of at least `bits` bits and an even exponent. */
function even({ significand, exponent }: Finite, bits: number) {
  const shift = Math.max(0, bits - bitLength(significand)), odd = (exponent - shift) & 1;
  return { significand: significand << BigInt(shift + odd), exponent: exponent - shift - odd };
}

/** The square root rounded down, by Newton's method from above. */
function wholeRoot(n: bigint): bigint {
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}
