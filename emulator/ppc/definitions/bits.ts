/** Selection, byte comparison, counts, parity and permutation of bits (Power ISA 2.07B Book I 3.3.12, 3.3.13). */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, ppc } from "../definition.ts";
import { CR_BIT, SLOT } from "../state.ts";

/** Integer Select. RT <- CR bit BC ? (RA|0) : (RB). */
export const isel = ppc("isel", {
  pattern: "A-form: 31 RT RA0 RB BC 15:5 /1",
  syntax: "RT, RA0, RB, BC",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RT, RA0, RB, BC }) {
    RT.write(b, b.select(BC.read(b), RA0.read(b), RB.read(b)));
  },
  examples: [
    "7c64289e | isel r3, r4, r5, eq | r4=1 r5=2 cr0=2 => r3=1",
    "7c60299e | isel r3, 0, r5, 4*cr1+eq | r0=9 r5=2 cr1=2 => r3=0",
  ],
});

/** Compare Bytes. Each byte of RA <- 0xff where those of RS and RB are equal, else 0. */
export const cmpb = ppc("cmpb", {
  pattern: "X-form: 31 RS RA RB 508 /1",
  syntax: "RA, RS, RB",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RS, RA, RB }) {
    const wide = (value: bigint) => b.constant(64, value), sevens = wide(0x7f7f_7f7f_7f7f_7f7fn);
    const x = b.xor(RS.read(b), RB.read(b));
    // The top bit of each byte that is zero (Hacker's Delight 6-1), then spread over the byte.
    const zero = b.not(b.or(b.or(b.add(b.and(x, sevens), sevens), x), sevens));
    RA.write(b, b.mul(b.shr(zero, wide(7n)), wide(0xffn)));
  },
  examples: ["7c832bf8 | cmpb r3, r4, r5 | r4=1122334455660088 r5=1122334400660080 => r3=ffffffff00ffff00"],
});

/** Ones in each byte, by adding neighbours (Hacker's Delight 5-1). */
function onesInBytes<V extends Value>(b: Ops<V>, x: V): V {
  const masks = [0x5555_5555_5555_5555n, 0x3333_3333_3333_3333n, 0x0f0f_0f0f_0f0f_0f0fn];
  return masks.reduce((sum, mask, step) => {
    const kept = b.constant(64, mask), by = b.constant(64, 2 ** step);
    return b.add(b.and(sum, kept), b.and(b.shr(sum, by), kept));
  }, x);
}

/** Population Count Bytes. Each byte of RA <- the number of ones in that of RS. */
export const popcntb = ppc("popcntb", {
  pattern: "X-form: 31 RS RA /5 122 /1",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RS, RA }) {
    RA.write(b, onesInBytes(b, RS.read(b)));
  },
  examples: ["7c8300f4 | popcntb r3, r4 | r4=ff0103070f1f3f80 => r3=801020304050601"],
});

/** Parity: in each field, the sum modulo 2 of its bytes' lowest bits; `folds` halves of 64 bits are added. */
function parity<V extends Value>(b: Ops<V>, x: V, folds: readonly number[]): V {
  return folds.reduce((sum, by) => b.xor(sum, b.shr(sum, b.constant(64, by))), x);
}

/** Parity Word. */
export const prtyw = ppc("prtyw", {
  pattern: "X-form: 31 RS RA /5 154 /1",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RS, RA }) {
    RA.write(b, b.and(parity(b, RS.read(b), [8, 16]), b.constant(64, 0x1_0000_0001n)));
  },
  examples: ["7c830134 | prtyw r3, r4 | r4=0101010001000000 => r3=100000001"],
});

/** Parity Doubleword. */
export const prtyd = ppc("prtyd", {
  pattern: "X-form: 31 RS RA /5 186 /1",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RS, RA }) {
    RA.write(b, b.and(parity(b, RS.read(b), [8, 16, 32]), b.constant(64, 1)));
  },
  examples: [
    "7c830174 | prtyd r3, r4 | r4=0101010001000100 => r3=1",
    "7c830174 | prtyd r3, r4 | r4=101 => r3=0",
  ],
});

/** Bit Permute Doubleword. Bit 56+i of RA <- bit number (RS's byte i) of RB, 0 where that is above 63. */
export const bpermd = ppc("bpermd", {
  pattern: "X-form: 31 RS RA RB 252 /1",
  syntax: "RA, RS, RB",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RS, RA, RB }) {
    const wide = (value: number) => b.constant(64, value), from = RS.read(b), bits = RB.read(b);
    let result = wide(0);
    for (let i = 0; i < 8; i++) {
      const number = b.and(b.shr(from, wide(56 - 8 * i)), wide(0xff));
      const bit = b.and(b.shr(bits, b.and(b.sub(wide(63), number), wide(63))), wide(1));
      const chosen = b.select(b.leu(number, wide(63)), bit, wide(0));
      result = b.or(result, b.shl(chosen, wide(7 - i)));
    }
    RA.write(b, result);
  },
  examples: ["7c8329f8 | bpermd r3, r4, r5 | r4=00013f4000000000 r5=8000000000000001 => r3=af"],
});

/** Move to Condition Register from XER. CR field BF <- SO, OV, CA, 0; they <- 0. Not in ISA 2.0 and later. */
export const mcrxr = ppc("mcrxr", {
  pattern: "X-form: 31 BF /2 /5 /5 512 /1",
  syntax: "BF",
  only: 32,
  cycleClass: "cr",
  semantics(b, { BF }) {
    const part = (slot: number, bit: number) => b.select(b.trunc(b.read(slot, 32), 1), word(bit), word(0));
    const word = (value: number) => b.constant(32, value);
    BF.write(b, b.or(b.or(part(SLOT.so, CR_BIT.lt), part(SLOT.ov, CR_BIT.gt)), part(SLOT.ca, CR_BIT.eq)));
    for (const slot of [SLOT.so, SLOT.ov, SLOT.ca]) b.write(slot, word(0));
  },
  examples: ["7c800400 | mcrxr cr1 | so=1 ca=1 => cr1=a so=0 ca=0"],
});

export const BITS: readonly Definition[] = [
  ...[isel, cmpb, popcntb, prtyw, prtyd, bpermd, mcrxr],
];
