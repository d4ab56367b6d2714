/** Floating-point operands for tests: every kind of number, and pairs that are close to each other. */

type Next = () => number;

function bits64(next: Next): bigint {
  return BigInt(next()) << 32n | BigInt(next());
}

const DOUBLES = [
  ...[0n, 1n, 0x000f_ffff_ffff_ffffn, 0x0010_0000_0000_0000n, 0x3ff0_0000_0000_0000n, 0x3ff0_0000_0000_0001n],
  ...[0x3fef_ffff_ffff_ffffn, 0x7fef_ffff_ffff_ffffn, 0x7ff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n],
  ...[0x7ff0_0000_0000_0001n, 0x7ff4_dead_beef_0123n, 0x7fff_ffff_ffff_ffffn, 0x4000_0000_0000_0000n],
  // Around the ends of the integer formats, and halves.
  ...[0x41df_ffff_ffc0_0000n, 0x41e0_0000_0000_0000n, 0x41ef_ffff_ffe0_0000n, 0x43df_ffff_ffff_ffffn],
  ...[0x43e0_0000_0000_0000n, 0x43ef_ffff_ffff_ffffn, 0x43f0_0000_0000_0000n, 0x3fe0_0000_0000_0000n],
  ...[0x3ff8_0000_0000_0000n, 0x4004_0000_0000_0000n, 0x41df_ffff_ffe0_0000n],
];

/** The same of singles, in double format. */
const SINGLES = [
  ...[0n, 0x36a0_0000_0000_0000n, 0x380f_ffff_c000_0000n, 0x3810_0000_0000_0000n, 0x3ff0_0000_0000_0000n],
  ...[0x3ff0_0000_2000_0000n, 0x47ef_ffff_e000_0000n, 0x7ff0_0000_0000_0000n, 0x7ff8_0000_0000_0000n],
  ...[0x7ff0_0000_2000_0000n, 0x7ff4_dead_a000_0000n, 0x4000_0000_0000_0000n],
];

const view = new DataView(new ArrayBuffer(8));

function single(next: Next): bigint {
  // Any single; half of the time with an exponent near the middle, so that sums and products stay inside.
  const middle = next() % 2 ? (next() & 0x807f_ffff) | (127 - 16 + next() % 32) << 23 : next();
  view.setUint32(0, middle >>> 0);
  const value = view.getFloat32(0);
  if (Number.isNaN(value)) return SINGLES[9 + next() % 2];
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function double(next: Next): bigint {
  const any = bits64(next);
  if (next() % 2) return any;
  const fraction = next() % 3 ? any & (1n << 52n) - 1n : any & 0xf_f000_0000_0000n;
  return (any & 1n << 63n) | BigInt(1023 - 30 + next() % 60) << 52n | fraction;
}

/** A floating-point register: of a single's values if `narrow`. */
export function randomFloat(next: Next, narrow: boolean): bigint {
  const corners = narrow ? SINGLES : DOUBLES;
  if (next() % 3 === 0) return corners[next() % corners.length] | BigInt(next() % 2) << 63n;
  return narrow ? single(next) : double(next);
}

/** `value` or a number a few units beside it, with either sign. */
export function near(value: bigint, next: Next): bigint {
  return BigInt.asUintN(64, (value ^ BigInt(next() % 2) << 63n) + BigInt(next() % 5 - 2));
}
