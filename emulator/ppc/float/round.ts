/**
 * From an exact value to a result in single or double format (Power ISA 2.07B Book I 4.3.6 and 4.4): rounding,
 * overflow, underflow, inexactness. Tininess is found before rounding.
 */
import { FPSCR, ROUND, type Rounding, type Status } from "./fpscr.ts";
import { bitLength, INFINITY, pack, type Sign, signBits } from "./number.ts";

/** A format: its significand's bits, its exponents, and by how much an enabled exception moves the exponent. */
export interface Format {
  readonly precision: number;
  readonly least: number;
  readonly most: number;
  readonly adjust: number;
}

export const DOUBLE: Format = { precision: 53, least: -1022, most: 1023, adjust: 1536 };
export const SINGLE: Format = { precision: 24, least: -126, most: 127, adjust: 192 };

/**
 * Rounds `significand * 2^exponent` and leaves FPRF, FR, FI and the exceptions. A value that is not known
 * exactly has its lowest bit set for the rest, and enough bits (two more than the precision) above it.
 */
export function round(
  status: Status,
  format: Format,
  sign: Sign,
  significand: bigint,
  exponent: number,
): bigint {
  const { precision, least, most, adjust } = format;
  const top = exponent + bitLength(significand) - 1, tiny = top < least;
  const wraps = tiny && status.has(FPSCR.UE), moved = wraps ? exponent + adjust : exponent;
  const unit = wraps ? top + adjust - precision + 1 : Math.max(top, least) - precision + 1;
  const { kept, inexact, up } = cut(significand, unit - moved, sign, status.rounding);
  let scale = unit;
  status.rounded(up, inexact);
  if (tiny && (wraps || inexact)) status.raise(FPSCR.UX);
  if (bitLength(kept) + scale - 1 > most && !wraps) {
    status.raise(FPSCR.OX);
    if (!status.has(FPSCR.OE)) return overflow(status, format, sign, up);
    scale -= adjust;
  }
  if (inexact) status.raise(FPSCR.XX);
  const kind = kept === 0n ? "zero" : bitLength(kept) + scale - 1 < least ? "denormal" : "normal";
  status.classify(kind, sign);
  return pack(sign, kept, scale);
}

/** `significand / 2^shift` as a whole number, rounded; FR is `up`. */
export function cut(significand: bigint, shift: number, sign: Sign, rounding: Rounding) {
  if (shift <= 0) return { kept: significand << BigInt(-shift), inexact: false, up: false };
  const by = BigInt(shift), floor = significand >> by, rest = significand - (floor << by);
  const inexact = rest !== 0n, half = 1n << by - 1n;
  const up = rounding === ROUND.nearest
    ? rest > half || (rest === half && (floor & 1n) === 1n)
    : inexact && rounding === (sign ? ROUND.down : ROUND.up);
  return { kept: up ? floor + 1n : floor, inexact, up };
}

/** The result of a disabled overflow: infinity or the largest number, as the mode rounds. 4.4.3.2. */
function overflow(status: Status, { precision, most }: Format, sign: Sign, up: boolean): bigint {
  const { rounding } = status;
  const away = rounding === ROUND.nearest || rounding === (sign ? ROUND.down : ROUND.up);
  status.raise(FPSCR.XX);
  // FR is undefined here: as rounding with an exponent without bounds would leave it.
  status.rounded(up, true);
  status.classify(away ? "infinity" : "normal", sign);
  return away ? INFINITY | signBits(sign) : pack(sign, (1n << BigInt(precision)) - 1n, most - precision + 1);
}
