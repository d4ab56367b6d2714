/** A floating-point register's 64 bits taken apart: IEEE 754 double format. */

export type Sign = 0 | 1;

/** `finite` is `significand * 2^exponent` exactly, with a significand above 0. */
export type FloatNumber =
  | { readonly kind: "zero"; readonly sign: Sign }
  | { readonly kind: "infinity"; readonly sign: Sign }
  | { readonly kind: "finite"; readonly sign: Sign; readonly significand: bigint; readonly exponent: number }
  | { readonly kind: "nan"; readonly sign: Sign; readonly bits: bigint; readonly signaling: boolean };

export type Finite = Extract<FloatNumber, { kind: "finite" }>;
export type NotANumber = Extract<FloatNumber, { kind: "nan" }>;

const FRACTION = (1n << 52n) - 1n, IMPLICIT = 1n << 52n;
/** The fraction's top bit: set in a quiet NaN. */
const QUIET = 1n << 51n;

export const INFINITY = 0x7ff0_0000_0000_0000n;
/** The NaN that an invalid operation without NaN operands gives. */
export const DEFAULT_NAN = 0x7ff8_0000_0000_0000n;
export const SIGN = 1n << 63n;
export const ONE: Finite = { kind: "finite", sign: 0, significand: 1n, exponent: 0 };

export function signBits(sign: Sign): bigint {
  return sign ? SIGN : 0n;
}

export function opposite(sign: Sign): Sign {
  return sign ? 0 : 1;
}

export function unpack(bits: bigint): FloatNumber {
  const sign: Sign = bits >> 63n ? 1 : 0;
  const biased = Number(bits >> 52n & 0x7ffn), fraction = bits & FRACTION;
  if (biased === 0x7ff) {
    if (fraction === 0n) return { kind: "infinity", sign };
    return { kind: "nan", sign, bits, signaling: (bits & QUIET) === 0n };
  }
  if (biased !== 0) {
    return { kind: "finite", sign, significand: fraction | IMPLICIT, exponent: biased - 1075 };
  }
  return fraction === 0n
    ? { kind: "zero", sign }
    : { kind: "finite", sign, significand: fraction, exponent: -1074 };
}

/** A finite number's 64 bits; `exponent` is at least -1074 and the significand has at most 53 bits. */
export function pack(sign: Sign, significand: bigint, exponent: number): bigint {
  if (significand === 0n) return signBits(sign);
  const shift = Math.min(53 - bitLength(significand), exponent + 1074);
  const whole = significand << BigInt(shift), biased = exponent - shift + 1075;
  if (whole < IMPLICIT) return signBits(sign) | whole;
  // Beyond the format only after an exponent was adjusted outside its reach, which the manual leaves undefined.
  return signBits(sign) | BigInt(biased & 0x7ff) << 52n | whole & FRACTION;
}

export function quiet({ bits }: NotANumber): bigint {
  return bits | QUIET;
}

export function bitLength(value: bigint): number {
  const high = value >> 32n;
  if (high === 0n) return 32 - Math.clz32(Number(value));
  if (high < 1n << 32n) return 64 - Math.clz32(Number(high));
  return value.toString(2).length;
}

/** Scratch: nothing is kept in it. */
const scratch = new DataView(new ArrayBuffer(8));

/** The host's number of these bits; of a NaN some NaN. */
export function numberOf(bits: bigint): number {
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

/** The bits of a number that is no NaN. */
export function bitsOf(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}
