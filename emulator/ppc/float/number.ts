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

/** -1, 0 or 1 as `a` is below, equal to or above `b`; neither is a NaN. */
export function order(a: FloatNumber, b: FloatNumber): number {
  if (a.kind === "zero" && b.kind === "zero") return 0;
  const signOf = (x: FloatNumber) => x.kind === "zero" ? 0 : x.sign ? -1 : 1;
  const [x, y] = [signOf(a), signOf(b)];
  if (x !== y || x === 0) return Math.sign(x - y);
  return x * magnitude(a, b);
}

function magnitude(a: FloatNumber, b: FloatNumber): number {
  if (a.kind !== "finite" || b.kind !== "finite") {
    return Number(a.kind === "infinity") - Number(b.kind === "infinity");
  }
  const low = Math.min(a.exponent, b.exponent);
  const x = a.significand << BigInt(a.exponent - low), y = b.significand << BigInt(b.exponent - low);
  return x < y ? -1 : x > y ? 1 : 0;
}
