/** Floating-point loads and stores (Power ISA 2.07B Book I 4.6.2 to 4.6.4). Any alignment is taken. */
import type { Ops, Value } from "../../ir/ops.ts";
import {
  addressCells,
  type AddressMode,
  effectiveAddress,
  indexed,
  orderOf,
  updateInvalid,
} from "../address.ts";
import { type Definition, ppc, type Variant } from "../definition.ts";
import { needFloat } from "../float_access.ts";
import type { Operands } from "../operands.ts";
import type { PpcMode } from "../state.ts";

/** DOUBLE(WORD), 4.6.2: a single's 32 bits in double format. */
function toDouble<V extends Value>(b: Ops<V>, word: V): V {
  const narrow = (value: number) => b.constant(32, value), wide = (value: bigint) => b.constant(64, value);
  const sign = b.shl(b.zext(b.and(word, narrow(0x8000_0000)), 64), wide(32n));
  const rest = b.and(word, narrow(0x7fff_ffff)), fraction = b.and(word, narrow(0x7f_ffff));
  const moved = b.shl(b.zext(rest, 64), wide(29n));
  const normal = b.add(moved, wide(896n << 52n)), special = b.add(moved, wide(0x700n << 52n));
  // A denormal has leading zeros in its fraction: they move to the exponent. 24 of them are a zero.
  const zeros = b.sub(b.clz(fraction), narrow(8));
  const shifted = b.and(b.shl(fraction, zeros), narrow(0x7f_ffff));
  const exponent = b.shl(b.zext(b.sub(narrow(897), zeros), 64), wide(52n));
  const denormal = b.or(exponent, b.shl(b.zext(shifted, 64), wide(29n)));
  const small = b.select(b.eq(fraction, narrow(0)), wide(0n), denormal);
  const finite = b.select(b.ltu(rest, narrow(0x80_0000)), small, normal);
  return b.or(sign, b.select(b.ltu(rest, narrow(0x7f80_0000)), finite, special));
}

/** SINGLE(FRS), 4.6.3. What is too small for a single, which the manual leaves undefined, is stored as zero. */
function toSingle<V extends Value>(b: Ops<V>, double: V): V {
  const wide = (value: bigint) => b.constant(64, value), narrow = (value: number) => b.constant(32, value);
  const top = b.trunc(b.shr(double, wide(32n)), 32), sign = b.and(top, narrow(0x8000_0000));
  const exponent = b.and(b.shr(top, narrow(20)), narrow(0x7ff));
  const kept = b.and(b.trunc(b.shr(double, wide(29n)), 32), narrow(0x3fff_ffff));
  const plain = b.or(b.and(top, narrow(0xc000_0000)), kept);
  const significand = b.or(b.and(double, wide((1n << 52n) - 1n)), wide(1n << 52n));
  const tiny = b.ltu(exponent, narrow(874));
  const shift = b.zext(b.select(tiny, narrow(0), b.sub(narrow(926), exponent)), 64);
  const bits = b.trunc(b.shr(significand, b.and(shift, wide(63n))), 32);
  const denormal = b.or(sign, b.select(tiny, narrow(0), bits));
  return b.select(b.ltu(narrow(896), exponent), plain, denormal);
}

type Format = "single" | "double";

function load(
  mnemonic: string,
  mode: AddressMode,
  [opcode, extended]: readonly [number, number?],
  format: Format,
  examples: readonly string[],
): Definition {
  const update = mode.endsWith("u");
  return ppc(mnemonic, {
    ...addressCells("FRT", mode, opcode, extended),
    cycleClass: "load",
    invalid: update ? updateInvalid : undefined,
    semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant) {
      needFloat(b);
      const ea = effectiveAddress(b, operands, mode), order = orderOf(variant);
      const value = format === "double" ? b.load(ea, 64, { order }) : toDouble(b, b.load(ea, 32, { order }));
      operands.FRT.write(b, value);
      if (update) operands.RA.write(b, ea);
    },
    examples,
  });
}

function store(
  mnemonic: string,
  mode: AddressMode,
  [opcode, extended]: readonly [number, number?],
  format: Format,
  examples: readonly string[],
): Definition {
  const update = mode.endsWith("u");
  return ppc(mnemonic, {
    ...addressCells("FRS", mode, opcode, extended),
    cycleClass: "store",
    invalid: update ? updateInvalid : undefined,
    semantics(b, operands, variant) {
      needFloat(b);
      const ea = effectiveAddress(b, operands, mode), bits = operands.FRS.read(b);
      b.store(ea, format === "double" ? bits : toSingle(b, bits), { order: orderOf(variant) });
      if (update) operands.RA.write(b, ea);
    },
    examples,
  });
}

/** Load Floating-Point Single. FRT <- DOUBLE(MEM(EA, 4)). */
export const LFS = [
  load("lfs", "D", [48], "single", [
    "c0640004 | lfs f3, 4(r4) | r4=2000 [2004]=3f800000 => f3=3ff0000000000000",
    "c0640000 | lfs f3, 0(r4) | r4=2000 [2000]=80000001 => f3=b6a0000000000000",
    "c0640000 | lfs f3, 0(r4) | r4=2000 [2000]=7fa00000 => f3=7ff4000000000000",
    "c0640000 | lfs f3, 0(r4) | r4=2000 [2000]=80000000 f3=1 => f3=8000000000000000",
  ]),
  load("lfsu", "Du", [49], "single", [
    "c4640008 | lfsu f3, 8(r4) | r4=2000 [2008]=007fffff => f3=380fffffc0000000 r4=2008",
  ]),
  load("lfsx", "X", [31, 535], "single", [
    "7c602c2e | lfsx f3, 0, r5 | r5=2000 [2000]=ff800000 => f3=fff0000000000000",
  ]),
  load("lfsux", "Xu", [31, 567], "single", [
    "7c642c6e | lfsux f3, r4, r5 | r4=2000 r5=4 [2004]=40490fdb => f3=400921fb60000000 r4=2004",
  ]),
];

/** Load Floating-Point Double. FRT <- MEM(EA, 8). */
export const LFD = [
  load("lfd", "D", [50], "double", [
    "c864fff8 | lfd f3, -8(r4) | r4=2008 [2000]=400921fb54442d18 => f3=400921fb54442d18",
  ]),
  load("lfdu", "Du", [51], "double", [
    "cc640008 | lfdu f3, 8(r4) | r4=2000 [2008]=7ff0000000000001 => f3=7ff0000000000001 r4=2008",
  ]),
  load("lfdx", "X", [31, 599], "double", [
    "7c642cae | lfdx f3, r4, r5 | r4=2000 r5=8 [2008]=3ff0000000000000 => f3=3ff0000000000000",
  ]),
  load("lfdux", "Xu", [31, 631], "double", [
    "7c642cee | lfdux f3, r4, r5 | r4=2000 r5=8 [2008]=3ff0000000000000 => f3=3ff0000000000000 r4=2008",
  ]),
];

/** Store Floating-Point Single. MEM(EA, 4) <- SINGLE((FRS)). */
export const STFS = [
  store("stfs", "D", [52], "single", [
    "d0640004 | stfs f3, 4(r4) | f3=3ff0000000000000 r4=2000 => [2004]=3f800000",
    "d0640000 | stfs f3, 0(r4) | f3=b6a0000000000000 r4=2000 => [2000]=80000001",
    "d0640000 | stfs f3, 0(r4) | f3=b690000000000000 r4=2000 => [2000]=80000000",
    "d0640000 | stfs f3, 0(r4) | f3=7ff4000020000000 r4=2000 => [2000]=7fa00001",
  ]),
  store("stfsu", "Du", [53], "single", [
    "d464fff8 | stfsu f3, -8(r4) | f3=400921fb60000000 r4=2008 => [2000]=40490fdb r4=2000",
  ]),
  store("stfsx", "X", [31, 663], "single", [
    "7c602d2e | stfsx f3, 0, r5 | f3=380fffffc0000000 r5=2000 => [2000]=007fffff",
  ]),
  store("stfsux", "Xu", [31, 695], "single", [
    "7c642d6e | stfsux f3, r4, r5 | f3=fff0000000000000 r4=2000 r5=4 => [2004]=ff800000 r4=2004",
  ]),
];

/** Store Floating-Point Double. MEM(EA, 8) <- (FRS). */
export const STFD = [
  store("stfd", "D", [54], "double", [
    "d8640008 | stfd f3, 8(r4) | f3=400921fb54442d18 r4=2000 => [2008]=400921fb54442d18",
  ]),
  store("stfdu", "Du", [55], "double", [
    "dc640008 | stfdu f3, 8(r4) | f3=7ff0000000000001 r4=2000 => [2008]=7ff0000000000001 r4=2008",
  ]),
  store("stfdx", "X", [31, 727], "double", [
    "7c602dae | stfdx f3, 0, r5 | f3=3ff0000000000000 r5=2000 => [2000]=3ff0000000000000",
  ]),
  store("stfdux", "Xu", [31, 759], "double", [
    "7c642dee | stfdux f3, r4, r5 | f3=3ff0000000000000 r4=2000 r5=8 => [2008]=3ff0000000000000 r4=2008",
  ]),
];

/** Store Floating-Point as Integer Word Indexed. MEM(EA, 4) <- (FRS)32:63. */
export const stfiwx = ppc("stfiwx", {
  pattern: "X-form: 31 FRS RA0 RB 983 /1",
  syntax: "FRS, RA0, RB",
  cycleClass: "store",
  semantics(b, operands, variant) {
    needFloat(b);
    b.store(indexed(b, operands), b.trunc(operands.FRS.read(b), 32), { order: orderOf(variant) });
  },
  examples: ["7c642fae | stfiwx f3, r4, r5 | f3=fff8000080000001 r4=2000 r5=4 => [2004]=80000001"],
});

/** Load Floating-Point as Integer Word: FRT <- extend(MEM(EA, 4)). ISA 2.05 and 2.06. */
function loadInteger(
  mnemonic: string,
  extended: number,
  extend: "sext" | "zext",
  examples: readonly string[],
  only: PpcMode = 64,
): Definition {
  return ppc(mnemonic, {
    pattern: `X-form: 31 FRT RA0 RB ${extended} /1`,
    syntax: "FRT, RA0, RB",
    cycleClass: "load",
    only,
    semantics(b, operands, variant) {
      needFloat(b);
      operands.FRT.write(b, b[extend](b.load(indexed(b, operands), 32, { order: orderOf(variant) }), 64));
    },
    examples,
  });
}

export const lfiwax = loadInteger("lfiwax", 855, "sext", [
  "7c602eae | lfiwax f3, 0, r5 | r5=2000 [2000]=80000001 => f3=ffffffff80000001",
]);
export const lfiwzx = loadInteger("lfiwzx", 887, "zext", [
  "7c602eee | lfiwzx f3, 0, r5 | r5=2000 [2000]=80000001 => f3=80000001",
]);

export const FLOAT_LOAD_STORE: readonly Definition[] = [
  ...[LFS, LFD, STFS, STFD].flat(),
  ...[stfiwx, lfiwax, lfiwzx],
];
