/**
 * Decimal arithmetic. SDM vol. 2A and 2B, by mnemonic; none of it exists in 64-bit mode. Flags that the manual leaves
 * undefined are what an 80286 makes of them: those of the addition or subtraction of the correction.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { raise, VECTOR } from "../exception.ts";
import { adjust, adjustFlags, carry, logicFlags } from "../flags.ts";
import type { Definition } from "../record.ts";
import { RAX } from "../slots.ts";

/** Whether the low digit is above 9 or has carried. */
function lowDigit<V extends Value>(b: Ops<V>, al: V): V {
  return b.or(b.ltu(b.constant(8, 9), b.and(al, b.constant(8, 15))), adjust(b));
}

/**
 * AAA, AAS: if (AL & 15) > 9 or AF then AX <- AX +- 106H, AF and CF are set, else they are cleared; AL <- AL & 15.
 * OF SF ZF PF are undefined: here by AL before it is masked, OF 0.
 */
function ascii(mnemonic: string, opcode: string, sign: 1 | -1, examples: string[]): Definition {
  return {
    mnemonic,
    encodings: { [opcode]: ";not64" },
    cycleClass: "alu",
    semantics(b) {
      const ax = b.read(RAX, 16), adjusts = lowDigit(b, b.trunc(ax, 8));
      const moved = b.select(adjusts, b.add(ax, b.constant(16, sign * 0x106)), ax);
      const result = b.and(moved, b.constant(16, 0xff0f));
      const recipe = adjustFlags(b, b.trunc(moved, 8), adjusts, adjusts);
      b.write(RAX, result);
      b.flags(recipe);
    },
    examples,
  };
}

export const aaa = ascii("aaa", "37", 1, [
  "37 | aaa | eax=000b af=0 => eax=0101 cf=1 af=1 | 32",
  "37 | aaa | eax=0105 af=0 cf=1 => eax=0105 cf=0 af=0 | 16",
]);
export const aas = ascii("aas", "3f", -1, ["3f | aas | eax=02ff af=1 => eax=0109 cf=1 af=1 | 32"]);

/**
 * DAA, DAS: AL +- 6 if its low digit is above 9 or AF; AL +- 60H if AL was above 99H or CF; CF and AF tell
 * which. SF ZF PF by the result, OF undefined: here whether the sign overflows.
 */
function decimal(mnemonic: string, opcode: string, sign: 1 | -1, examples: string[]): Definition {
  return {
    mnemonic,
    encodings: { [opcode]: ";not64" },
    cycleClass: "alu",
    semantics(b) {
      const al = b.read(RAX, 8), low = lowDigit(b, al), zero = b.constant(8, 0);
      const high = b.or(b.ltu(b.constant(8, 0x99), al), carry(b));
      const six = b.select(low, b.constant(8, sign * 6), zero);
      const sixty = b.select(high, b.constant(8, sign * 0x60), zero);
      const result = b.add(b.add(al, six), sixty);
      // DAS borrows from the first step too; DAA cannot carry there without being above 99H.
      const borrows = sign < 0 ? b.and(low, b.ltu(al, b.constant(8, 6))) : b.constant(1, 0);
      const correction = b.add(six, sixty), changed = b.xor(al, result);
      // Of x - y = d the sign overflows where x differs from d and from y; of a sum, where both differ from it.
      const overflow = sign > 0
        ? b.and(changed, b.xor(correction, result))
        : b.and(changed, b.xor(al, b.neg(correction)));
      const recipe = adjustFlags(b, result, b.or(high, borrows), low, b.lts(overflow, b.constant(8, 0)));
      b.write(RAX, result);
      b.flags(recipe);
    },
    examples,
  };
}

export const daa = decimal("daa", "27", 1, [
  "27 | daa | eax=79 af=0 cf=0 => eax=79 cf=0 af=0 | 32",
  "27 | daa | eax=ae af=0 cf=0 => eax=14 cf=1 af=1 pf=1 | 32",
]);
export const das = decimal("das", "2f", -1, [
  "2f | das | eax=ee af=0 cf=0 => eax=88 cf=1 af=1 sf=1 | 32",
  "2f | das | eax=3 af=1 cf=0 => eax=fd cf=1 af=1 | 32",
]);

/** AAM: AH <- AL / imm8; AL <- AL mod imm8; #DE if imm8 is 0. SF ZF PF by AL, the others undefined. */
export const aam: Definition = {
  mnemonic: "aam",
  encodings: { "d4": "Ib;not64" },
  cycleClass: "div",
  semantics(b, [base]) {
    const divisor = b.zext(base.read(b), 32), zero = b.eq(divisor, b.constant(32, 0));
    b.when(zero, () => raise(b, VECTOR.DE));
    const safe = b.select(zero, b.constant(32, 1), divisor);
    const al = b.zext(b.read(RAX, 8), 32);
    const digit = b.trunc(b.remu(al, safe), 8), recipe = logicFlags(b, digit);
    b.write(RAX + 1, b.trunc(b.divu(al, safe), 8));
    b.write(RAX, digit);
    b.flags(recipe);
  },
  examples: [
    "d4 0a | aam 0xa | eax=ff3f => eax=0603 | 32",
    "d4 00 | aam 0 | eax=5 => trap=exception(0,0) | 16",
  ],
};

/** AAD: AL <- AL + AH * imm8; AH <- 0. SF ZF PF by AL, the others undefined: here CF and AF by the addition. */
export const aad: Definition = {
  mnemonic: "aad",
  encodings: { "d5": "Ib;not64" },
  cycleClass: "mul",
  semantics(b, [base]) {
    const x = b.read(RAX, 8), y = b.mul(b.read(RAX + 1, 8), base.read(b)), al = b.add(x, y);
    const digit = b.shr(b.xor(b.xor(x, y), al), b.constant(8, 4));
    const recipe = adjustFlags(b, al, b.ltu(al, x), b.trunc(digit, 1));
    b.write(RAX, b.zext(al, 16));
    b.flags(recipe);
  },
  examples: ["d5 0a | aad 0xa | eax=0603 => eax=3f zf=0 sf=0 | 32"],
};

/** SALC: AL <- CF ? FFH : 0. Undocumented by the SDM, in every processor since the 8086. APM vol. 3, opcode map. */
export const salc: Definition = {
  mnemonic: "salc",
  encodings: { "d6": ";not64" },
  cycleClass: "alu",
  semantics(b) {
    b.write(RAX, b.neg(b.zext(carry(b), 8)));
  },
  examples: ["d6 | salc | eax=1234 cf=1 => eax=12ff cf=1 | 32"],
};
