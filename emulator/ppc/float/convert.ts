/** Rounding to single and to whole numbers, and conversion to and from integers (Book I 4.6.7). */
import { invalid, type Work, zero } from "./arithmetic.ts";
import { FPSCR, ROUND, type Rounding } from "./fpscr.ts";
import { type FloatNumber, INFINITY, pack, quiet, type Sign, signBits, unpack } from "./number.ts";
import { cut, round } from "./round.ts";

/** The 29 bits that a double has and a single has not. */
const SINGLE_BITS = ~((1n << 29n) - 1n);

/** Floating Round to Single-Precision: a NaN loses the bits that a single has not. */
export function roundToSingle(work: Work, bBits: bigint): bigint | undefined {
  const b = unpack(bBits);
  if (b.kind === "finite") return round(work.status, work.format, b.sign, b.significand, b.exponent);
  if (b.kind === "nan") return keptNan(work, b, quiet(b) & SINGLE_BITS);
  if (b.kind === "zero") return zero(work, b.sign);
  work.status.rounded(false, false);
  work.status.classify("infinity", b.sign);
  return INFINITY | signBits(b.sign);
}

function keptNan(work: Work, b: Extract<FloatNumber, { kind: "nan" }>, result: bigint): bigint | undefined {
  if (b.signaling) return invalid(work, FPSCR.VXSNAN, result);
  work.status.rounded(false, false);
  work.status.classify("nan", 0);
  return result;
}

/** What `frin` rounds by: to nearest, ties away from zero. */
export type WholeRounding = Rounding | "away";

/** Floating Round to Integer: to a whole number in double format; exact as far as FPSCR tells. */
export function roundToWhole(work: Work, bBits: bigint, rounding: WholeRounding): bigint | undefined {
  const b = unpack(bBits), { status } = work;
  if (b.kind === "nan") return keptNan(work, b, quiet(b));
  status.rounded(false, false);
  if (b.kind !== "finite") {
    status.classify(b.kind, b.sign);
    return bBits;
  }
  const kept = b.exponent >= 0 ? undefined : whole(b, rounding).kept;
  if (kept === 0n) {
    status.classify("zero", b.sign);
    return signBits(b.sign);
  }
  status.classify("normal", b.sign);
  return kept === undefined ? bBits : pack(b.sign, kept, 0);
}

function whole({ sign, significand, exponent }: Extract<FloatNumber, { kind: "finite" }>, by: WholeRounding) {
  if (by !== "away") return cut(significand, -exponent, sign, by);
  // Ties away: half more, then the rest dropped.
  const half = exponent < 0 ? 1n << BigInt(-exponent - 1) : 0n;
  return cut(significand + half, -exponent, sign, ROUND.zero);
}

/** Bounds and NaN's stand-in of an integer format. */
export interface IntegerFormat {
  readonly least: bigint;
  readonly most: bigint;
  readonly nan: bigint;
}

const signed = (width: number): IntegerFormat => {
  const half = 1n << BigInt(width - 1);
  return { least: -half, most: half - 1n, nan: -half };
};
const unsigned = (width: number): IntegerFormat => ({ least: 0n, most: (1n << BigInt(width)) - 1n, nan: 0n });
export const INTEGERS = {
  word: signed(32),
  doubleword: signed(64),
  unsignedWord: unsigned(32),
  unsignedDoubleword: unsigned(64),
} as const;

/**
 * Floating Convert To Integer. Out of range: the nearest bound, VXCVI. FPRF is undefined and kept; a word's
 * upper half is undefined, and holds the sign here.
 */
export function toInteger(
  { status }: Work,
  bBits: bigint,
  format: IntegerFormat,
  rounding: Rounding,
): bigint | undefined {
  const b = unpack(bBits);
  const outside = (causes: number, result: bigint) => {
    status.raise(causes);
    status.rounded(false, false);
    return status.has(FPSCR.VE) ? undefined : BigInt.asUintN(64, result);
  };
  if (b.kind === "nan") return outside(FPSCR.VXCVI | (b.signaling ? FPSCR.VXSNAN : 0), format.nan);
  const bound = b.sign ? format.least : format.most;
  if (b.kind === "infinity") return outside(FPSCR.VXCVI, bound);
  if (b.kind === "zero") {
    status.rounded(false, false);
    return 0n;
  }
  // Above 2^64 nothing fits, and the whole number need not be made.
  if (b.exponent > 64) return outside(FPSCR.VXCVI, bound);
  const { kept, inexact, up } = cut(b.significand, -b.exponent, b.sign, rounding);
  const value = b.sign ? -kept : kept;
  if (value < format.least || value > format.most) return outside(FPSCR.VXCVI, bound);
  status.rounded(up, inexact);
  if (inexact) status.raise(FPSCR.XX);
  return BigInt.asUintN(64, value);
}

/** Floating Convert From Integer Doubleword, signed or not, to the work's format. */
export function fromInteger(work: Work, bits: bigint, isSigned: boolean): bigint {
  const value = isSigned ? BigInt.asIntN(64, bits) : bits, sign: Sign = value < 0n ? 1 : 0;
  if (value === 0n) return zero(work, 0);
  return round(work.status, work.format, sign, value < 0n ? -value : value, 0);
}
