/**
 * The arithmetic flags as recipes: what an instruction stores, and how a condition reads it.
 *
 * | slot | bits | meaning |
 * |---|---|---|
 * | RES | 63..0 | the result, sign-extended: ZF = (RES == 0), SF = bit 63, PF from bits 7..0 |
 * | AUX | 63, 62 | OF = one xor the other (the carries out of and into the sign bit) |
 * | AUX | 15..8 | correction to RES bits 7..0 before parity is taken |
 * | AUX | 3 | AF |
 * | AUX | 0 | correction to SF: SF = RES bit 63 xor this |
 * | CARRY | 31..0 | CF, 0 or 1 |
 *
 * An addition stores its carry vector (bit i = carry out of bit i) moved to the top, a subtraction its
 * borrow vector, into AUX; INC and DEC leave CARRY alone. The corrections are used by POPF and SAHF only.
 * SDM vol. 1, section 3.4.3.1.
 */
import { STATE } from "../ir/layout.ts";
import type { ConditionName, Ops, Recipe, Value } from "../ir/ops.ts";
import type { KeptGroup } from "../ir/keeper.ts";
import { FLAG, REST } from "./flag_bits.ts";
import { lockedFlags } from "./privilege.ts";
import { AUX, CARRY, EFLAGS_REST, RES } from "./slots.ts";
import type { Variant } from "./variant.ts";

/** The slots, for code that keeps flags as what they are made of: in the place of the result and of its carries. */
export const KEPT_FLAGS: KeptGroup = {
  slots: [{ slot: RES, width: 64 }, { slot: AUX, width: 64 }, { slot: CARRY, width: 32 }],
  holding: [{ slot: RES, width: 64 }, { slot: AUX, width: 64 }],
};

/** OF within AUX. */
const OVERFLOW_BITS = 0xc000_0000_0000_0000n;
const VECTOR_BITS = OVERFLOW_BITS | 8n;

/** A carry vector of any width, placed as AUX wants it. */
function placed<V extends Value>(b: Ops<V>, vector: V): V {
  const wide = b.zext(vector, 64);
  const both = vector.width === 64 ? wide : b.or(b.shl(wide, b.constant(64, 64 - vector.width)), wide);
  return b.and(both, b.constant(64, VECTOR_BITS));
}

/** What an addition or subtraction stores. */
function stored<V extends Value>(b: Ops<V>, result: V, vector: V, carry: V): Recipe<V>["writes"] {
  return [[RES, b.sext(result, 64)], [AUX, placed(b, vector)], [CARRY, b.zext(carry, 32)]];
}

/** The highest bit of a vector, width 1. */
function highest<V extends Value>(b: Ops<V>, vector: V): V {
  return b.lts(vector, b.constant(vector.width, 0));
}

/** Carry out of every bit of x + y (+ carry in) = sum. */
function carries<V extends Value>(b: Ops<V>, x: V, y: V, sum: V): V {
  return b.or(b.and(x, y), b.and(b.or(x, y), b.not(sum)));
}

/** Borrow out of every bit of x - y (- borrow in) = difference. */
function borrows<V extends Value>(b: Ops<V>, x: V, y: V, difference: V): V {
  const notX = b.not(x);
  return b.or(b.and(notX, y), b.and(b.or(notX, y), difference));
}

type Conditions<V extends Value> = Record<ConditionName, () => V>;

/** ZF and SF straight from a result. */
function resultConditions<V extends Value>(b: Ops<V>, result: V): Conditions<V> {
  const zero = () => b.constant(result.width, 0);
  return { z: () => b.eq(result, zero()), s: () => b.lts(result, zero()) };
}

/** ADD. */
export function addFlags<V extends Value>(b: Ops<V>, x: V, y: V, sum: V): Recipe<V> {
  return {
    writes: stored(b, sum, carries(b, x, y, sum), b.ltu(sum, x)),
    again: { key: `add${x.width}`, from: [x, y], make: (b, [x, y]) => addFlags(b, x, y, b.add(x, y)) },
    conditions: { ...resultConditions(b, sum), b: () => b.ltu(sum, x) },
    operands: [x, sum],
  };
}

/** SUB and CMP. */
export function subFlags<V extends Value>(b: Ops<V>, x: V, y: V, difference: V): Recipe<V> {
  return {
    writes: stored(b, difference, borrows(b, x, y, difference), b.ltu(x, y)),
    again: { key: `sub${x.width}`, from: [x, y], make: (b, [x, y]) => subFlags(b, x, y, b.sub(x, y)) },
    conditions: {
      z: () => b.eq(x, y),
      s: () => b.lts(difference, b.constant(difference.width, 0)),
      b: () => b.ltu(x, y),
      be: () => b.leu(x, y),
      l: () => b.lts(x, y),
      le: () => b.les(x, y),
    },
    operands: [x, y, difference],
  };
}

/** ADC. */
export function adcFlags<V extends Value>(b: Ops<V>, x: V, y: V, sum: V): Recipe<V> {
  const vector = carries(b, x, y, sum);
  return {
    writes: stored(b, sum, vector, highest(b, vector)),
    conditions: resultConditions(b, sum),
    operands: [sum],
  };
}

/** SBB. */
export function sbbFlags<V extends Value>(b: Ops<V>, x: V, y: V, difference: V): Recipe<V> {
  const vector = borrows(b, x, y, difference);
  return {
    writes: stored(b, difference, vector, highest(b, vector)),
    conditions: resultConditions(b, difference),
    operands: [difference],
  };
}

/** AND, OR, XOR, TEST: CF and OF are cleared; AF is undefined and cleared here. */
export function logicFlags<V extends Value>(b: Ops<V>, result: V): Recipe<V> {
  const { z, s } = resultConditions(b, result);
  return {
    writes: [[RES, b.sext(result, 64)], [AUX, b.constant(64, 0)], [CARRY, b.constant(32, 0)]],
    again: { key: `logic${result.width}`, from: [result], make: (b, [result]) => logicFlags(b, result) },
    conditions: {
      z,
      s,
      be: z,
      l: s,
      le: () => b.les(result, b.constant(result.width, 0)),
      b: () => b.constant(1, 0),
      o: () => b.constant(1, 0),
    },
    operands: [result],
  };
}

/** INC: as ADD of 1, but CF stays. */
export function incFlags<V extends Value>(b: Ops<V>, x: V, sum: V): Recipe<V> {
  const one = b.constant(x.width, 1), minusOne = () => b.constant(x.width, -1);
  return {
    writes: [[RES, b.sext(sum, 64)], [AUX, placed(b, carries(b, x, one, sum))]],
    again: {
      key: `inc${x.width}`,
      from: [x],
      make: (b, [x]) => incFlags(b, x, b.add(x, b.constant(x.width, 1))),
    },
    conditions: {
      ...resultConditions(b, sum),
      l: () => b.lts(x, minusOne()),
      le: () => b.les(x, minusOne()),
    },
    operands: [x, sum],
  };
}

/** DEC: as SUB of 1, but CF stays. */
export function decFlags<V extends Value>(b: Ops<V>, x: V, difference: V): Recipe<V> {
  const one = b.constant(x.width, 1);
  return {
    writes: [[RES, b.sext(difference, 64)], [AUX, placed(b, borrows(b, x, one, difference))]],
    again: {
      key: `dec${x.width}`,
      from: [x],
      make: (b, [x]) => decFlags(b, x, b.sub(x, b.constant(x.width, 1))),
    },
    conditions: {
      ...resultConditions(b, difference),
      l: () => b.lts(x, b.constant(x.width, 1)),
      le: () => b.les(x, b.constant(x.width, 1)),
    },
    operands: [x, difference],
  };
}

/**
 * IMUL and MUL: CF = OF = `overflow` (width 1). The others are undefined: SF, ZF and PF follow `half` of the product,
 * AF is as given.
 */
export function mulFlags<V extends Value>(b: Ops<V>, half: V, overflow: V, adjust: 0 | 1): Recipe<V> {
  const cf = b.shl(b.zext(overflow, 64), b.constant(64, 63));
  return {
    writes: [
      [RES, b.sext(half, 64)],
      [AUX, b.or(cf, b.constant(64, 8 * adjust))],
      [CARRY, b.zext(overflow, 32)],
    ],
    again: {
      key: `mul${half.width}.${adjust}`,
      from: [half, overflow],
      make: (b, [half, overflow]) => mulFlags(b, half, overflow, adjust),
    },
  };
}

/** ASCII and decimal adjustments: SF ZF PF by AL; CF, AF and OF as given (width 1), OF 0 without. */
export function adjustFlags<V extends Value>(
  b: Ops<V>,
  al: V,
  carry: V,
  adjust: V,
  overflow: V = b.constant(1, 0),
): Recipe<V> {
  const to = (v: V, n: number) => b.shl(b.zext(v, 64), b.constant(64, n));
  const aux = b.or(to(overflow, 63), to(adjust, 3));
  return { writes: [[RES, b.sext(al, 64)], [AUX, aux], [CARRY, b.zext(carry, 32)]] };
}

/** BT and its kin: CF is `bit` (width 1); OF SF AF PF are undefined and stay, ZF stays. */
export function bitFlags<V extends Value>(b: Ops<V>, bit: V): Recipe<V> {
  return { writes: [[CARRY, b.zext(bit, 32)]] };
}

/** AUX and CARRY of a shift whose CF and CF xor OF stand in the top two bits of `top`. */
export function topBits<V extends Value>(b: Ops<V>, top: V): V {
  const wide = b.zext(top, 64);
  const moved = top.width === 64 ? wide : b.shl(wide, b.constant(64, 64 - top.width));
  return b.and(moved, b.constant(64, OVERFLOW_BITS));
}

/**
 * Flags of a shift or rotate, CF in bit 63 of `aux`: without `res` ZF SF PF AF stay; if `changed` (width 1) is false all
 * stay.
 */
export function shiftFlags<V extends Value>(b: Ops<V>, res: V | undefined, aux: V, changed?: V): Recipe<V> {
  const unless = (slot: number, value: V): readonly [number, V] => {
    return [
      slot,
      changed === undefined ? value : b.select(changed, value, b.read(slot, value.width as 32 | 64)),
    ];
  };
  const carry = b.zext(highest(b, aux), 32);
  if (res === undefined) {
    const others = b.and(b.read(AUX, 64), b.constant(64, ~OVERFLOW_BITS));
    return { writes: [unless(AUX, b.or(aux, others)), unless(CARRY, carry)] };
  }
  const writes = [unless(RES, b.sext(res, 64)), unless(AUX, aux), unless(CARRY, carry)];
  if (changed !== undefined) return { writes };
  return { writes, conditions: resultConditions(b, res), operands: [res] };
}

/** The stored form of CF PF AF ZF SF OF, each at its place in the 64-bit value `eflags`. */
export function storedFlags<V extends Value>(b: Ops<V>, eflags: V): Recipe<V> {
  const bit = (n: number) => b.and(b.shr(eflags, b.constant(64, n)), b.constant(64, 1));
  const to = (v: V, n: number) => b.shl(v, b.constant(64, n));
  const zf = bit(6);
  const aux = [
    to(bit(11), 63),
    to(bit(4), 3),
    bit(7),
    to(b.xor(bit(2), zf), 8),
  ].reduce((x, y) => b.or(x, y));
  return { writes: [[RES, b.xor(zf, b.constant(64, 1))], [AUX, aux], [CARRY, b.trunc(bit(0), 32)]] };
}

function storedCarry<V extends Value>(b: Ops<V>): V {
  return b.ne(b.read(CARRY, 32), b.constant(32, 0));
}

/** Carry flag, width 1. */
export function carry<V extends Value>(b: Ops<V>): V {
  return b.condition("b", () => storedCarry(b));
}

/** Even condition codes, in the order of their encoding. SDM vol. 1, appendix B. */
const BASE: readonly ConditionName[] = ["o", "b", "z", "be", "s", "p", "l", "le"];

function baseCondition<V extends Value>(b: Ops<V>, name: ConditionName): V {
  const res = () => b.read(RES, 64), aux = () => b.read(AUX, 64), zero = b.constant(64, 0);
  const up = (v: V, n: number) => b.shl(v, b.constant(64, n));
  switch (name) {
    case "o":
      return b.condition(name, () => {
        const a = aux();
        return b.lts(b.xor(a, up(a, 1)), zero);
      });
    case "b":
      return carry(b);
    case "z":
      return b.condition(name, () => b.eq(res(), zero));
    case "be":
      return b.condition(name, () => b.or(storedCarry(b), b.eq(res(), zero)));
    case "s":
      return b.condition(name, () => b.lts(b.xor(res(), up(aux(), 63)), zero));
    case "p":
      return b.condition(name, () => {
        const byte = b.and(b.xor(res(), b.shr(aux(), b.constant(64, 8))), b.constant(64, 0xff));
        return b.not(b.trunc(b.popcnt(byte), 1));
      });
    case "l":
      return b.condition(name, () => {
        const a = aux();
        return b.lts(b.xor(b.xor(res(), up(a, 63)), b.xor(a, up(a, 1))), zero);
      });
    case "le":
      return b.condition(name, () => {
        const r = res(), a = aux();
        return b.or(b.eq(r, zero), b.lts(b.xor(b.xor(r, up(a, 63)), b.xor(a, up(a, 1))), zero));
      });
    default:
      throw new TypeError(`unknown condition "${name}": expected one of ${BASE.join(" ")}`);
  }
}

/** Condition code 0..15 as width 1; odd codes are the even ones inverted. */
export function cond<V extends Value>(b: Ops<V>, cc: number): V {
  const base = baseCondition(b, BASE[cc >> 1]);
  return cc & 1 ? b.not(base) : base;
}

/**
 * EFLAGS <- `value` (64 bits), as POPF and IRET do; 16 bits leave the upper half alone, and VM always stays. RF, VIF and
 * VIP are not kept.
 */
export function commitEflags<V extends Value>(
  b: Ops<V>,
  value: V,
  size: 16 | 32 | 64,
  variant: Variant,
): void {
  const old = b.read(EFLAGS_REST, 64);
  const upper = b.constant(64, FLAG.VM | (size === 16 ? REST & ~0xffffn : 0n));
  const kept = b.or(upper, lockedFlags(b, variant));
  const taken = b.and(b.and(value, b.constant(64, REST)), b.not(kept));
  const recipe = storedFlags(b, value);
  b.write(EFLAGS_REST, b.or(taken, b.and(old, kept)));
  b.flags(recipe);
}

/**
 * Tells the machine if EFLAGS (`value`), which POPF or IRET has loaded, has TF, or if IF is set and an interrupt has
 * waited for that. The instruction is done but for its branch.
 */
export function tellOfLoaded<V extends Value>(b: Ops<V>, value: V, next: V): void {
  const traces = b.ne(b.and(value, b.constant(value.width, FLAG.TF)), b.constant(value.width, 0));
  const enables = b.ne(b.and(b.read(EFLAGS_REST, 64), b.constant(64, FLAG.IF)), b.constant(64, 0));
  const told = b.or(traces, b.and(enables, interruptWaits(b)));
  b.when(told, () => b.trap("flags_set", [next, b.constant(32, 0)]));
}

/** Tells the machine if an interrupt has waited for STI, which takes effect after the instruction behind it. */
export function tellOfEnabled<V extends Value>(b: Ops<V>, before: V): void {
  const shadow = b.eq(b.and(before, b.constant(64, FLAG.IF)), b.constant(64, 0));
  b.when(interruptWaits(b), () => b.trap("flags_set", [b.nextPc(), b.zext(shadow, 32)]));
}

function interruptWaits<V extends Value>(b: Ops<V>): V {
  return b.ne(b.read(STATE.window, 32), b.constant(32, 0));
}

/** AF, width 1. */
export function adjust<V extends Value>(b: Ops<V>): V {
  return b.trunc(b.shr(b.read(AUX, 64), b.constant(64, 3)), 1);
}

/** EFLAGS as PUSHF shows it, 64 bits. */
export function eflags<V extends Value>(b: Ops<V>): V {
  const at = (name: ConditionName, n: number) => b.shl(b.zext(baseCondition(b, name), 64), b.constant(64, n));
  const af = b.and(b.shl(b.read(AUX, 64), b.constant(64, 1)), b.constant(64, 0x10));
  return [at("b", 0), at("p", 2), af, at("z", 6), at("s", 7), at("o", 11), b.constant(64, 2)]
    .reduce((x, y) => b.or(x, y), b.read(EFLAGS_REST, 64));
}
