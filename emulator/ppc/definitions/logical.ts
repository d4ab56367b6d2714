/** Logical operations, sign extension and bit counts (Power ISA 2.07B Book I 3.3.13). */
import type { Ops, Value } from "../../ir/ops.ts";
import { finish } from "../arithmetic.ts";
import { recordResult } from "../condition.ts";
import { type Definition, ppc, type Variant } from "../definition.ts";
import type { Operands } from "../operands.ts";

type Binary = <V extends Value>(b: Ops<V>, x: V, y: V) => V;

/** RA <- f((RS), (RB)). */
function registers(f: Binary) {
  return <V extends Value>(b: Ops<V>, { RA, RS, RB }: Operands<V>, variant: Variant): void =>
    finish(b, RA, variant, f(b, RS.read(b), RB.read(b)));
}

/** RA <- f((RS), immediate), the immediate in the low or the upper half of a word. */
function withImmediate(f: Binary, shifted: boolean, record = false) {
  return <V extends Value>(b: Ops<V>, { RA, RS, UI }: Operands<V>, { mode }: Variant): void => {
    const mask = shifted ? b.shl(UI.read(b), b.constant(mode, 16)) : UI.read(b);
    const result = f(b, RS.read(b), mask);
    RA.write(b, result);
    if (record) recordResult(b, result);
  };
}

const andOf: Binary = (b, x, y) => b.and(x, y);
const orOf: Binary = (b, x, y) => b.or(x, y);
const xorOf: Binary = (b, x, y) => b.xor(x, y);

/** AND Immediate. RA <- (RS) & (0 || UI); CR0. */
export const andi = ppc("andi.", {
  pattern: "D-form: 28 RS RA UI",
  syntax: "RA, RS, UI",
  cycleClass: "alu",
  semantics: withImmediate(andOf, false, true),
  examples: [
    "7083ff00 | andi. r3, r4, 0xff00 | r4=12345678 => r3=5600 cr0=4",
    "70830001 | andi. r3, r4, 1 | r4=2 so=1 => r3=0 cr0=3",
  ],
});

/** AND Immediate Shifted. RA <- (RS) & (0 || UI || 0x0000); CR0. */
export const andis = ppc("andis.", {
  pattern: "D-form: 29 RS RA UI",
  syntax: "RA, RS, UI",
  cycleClass: "alu",
  semantics: withImmediate(andOf, true, true),
  examples: [
    "74838000 | andis. r3, r4, 0x8000 | r4=ffffffff => r3=80000000 cr0=8 | 32",
    "74838000 | andis. r3, r4, 0x8000 | r4=ffffffff => r3=80000000 cr0=4 | 64",
  ],
});

/** OR Immediate. RA <- (RS) | (0 || UI). */
export const ori = ppc("ori", {
  pattern: "D-form: 24 RS RA UI",
  syntax: "RA, RS, UI",
  aliases: ["nop | RS=0 RA=0 UI=0"],
  cycleClass: "alu",
  semantics: withImmediate(orOf, false),
  examples: ["6083ffff | ori r3, r4, 0xffff | r4=10000 => r3=1ffff", "60000000 | nop | r0=5 => r0=5"],
});

/** OR Immediate Shifted. RA <- (RS) | (0 || UI || 0x0000). */
export const oris = ppc("oris", {
  pattern: "D-form: 25 RS RA UI",
  syntax: "RA, RS, UI",
  cycleClass: "alu",
  semantics: withImmediate(orOf, true),
  examples: ["64838000 | oris r3, r4, 0x8000 | r4=1 => r3=80000001"],
});

/** XOR Immediate. RA <- (RS) ^ (0 || UI). */
export const xori = ppc("xori", {
  pattern: "D-form: 26 RS RA UI",
  syntax: "RA, RS, UI",
  aliases: ["xnop | RS=0 RA=0 UI=0"],
  cycleClass: "alu",
  semantics: withImmediate(xorOf, false),
  examples: ["6883000f | xori r3, r4, 0xf | r4=5 => r3=a"],
});

/** XOR Immediate Shifted. RA <- (RS) ^ (0 || UI || 0x0000). */
export const xoris = ppc("xoris", {
  pattern: "D-form: 27 RS RA UI",
  syntax: "RA, RS, UI",
  cycleClass: "alu",
  semantics: withImmediate(xorOf, true),
  examples: ["6c83ffff | xoris r3, r4, 0xffff | r4=12345678 => r3=edcb5678"],
});

/** AND. RA <- (RS) & (RB). */
export const and = ppc("and", {
  pattern: "X-form: 31 RS RA RB 28 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers(andOf),
  examples: [
    "7c832838 | and r3, r4, r5 | r4=ff0 r5=3c => r3=30",
    "7c832839 | and. r3, r4, r5 | r4=1 r5=2 => r3=0 cr0=2",
  ],
});

/** AND with Complement. RA <- (RS) & ¬(RB). */
export const andc = ppc("andc", {
  pattern: "X-form: 31 RS RA RB 60 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers((b, x, y) => b.and(x, b.not(y))),
  examples: ["7c832878 | andc r3, r4, r5 | r4=ff r5=f => r3=f0"],
});

/** OR. RA <- (RS) | (RB). */
export const or = ppc("or", {
  pattern: "X-form: 31 RS RA RB 444 Rc",
  syntax: "RA, RS, RB",
  aliases: ["mr RA, RS | RB=RS"],
  cycleClass: "alu",
  semantics: registers(orOf),
  examples: [
    "7c832b78 | or r3, r4, r5 | r4=f0 r5=f => r3=ff",
    "7c832378 | mr r3, r4 | r4=80000000 => r3=80000000",
  ],
});

/** OR with Complement. RA <- (RS) | ¬(RB). */
export const orc = ppc("orc", {
  pattern: "X-form: 31 RS RA RB 412 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers((b, x, y) => b.or(x, b.not(y))),
  examples: [
    "7c832b38 | orc r3, r4, r5 | r4=1 r5=ff => r3=ffffff01 | 32",
    "7c832b38 | orc r3, r4, r5 | r4=1 r5=ff => r3=ffffffffffffff01 | 64",
  ],
});

/** XOR. RA <- (RS) ^ (RB). */
export const xor = ppc("xor", {
  pattern: "X-form: 31 RS RA RB 316 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers(xorOf),
  examples: ["7c832a78 | xor r3, r4, r5 | r4=ff r5=f => r3=f0"],
});

/** NAND. RA <- ¬((RS) & (RB)). */
export const nand = ppc("nand", {
  pattern: "X-form: 31 RS RA RB 476 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers((b, x, y) => b.not(b.and(x, y))),
  examples: [
    "7c832bb9 | nand. r3, r4, r5 | r4=ff r5=f => r3=fffffff0 cr0=8 | 32",
    "7c832bb9 | nand. r3, r4, r5 | r4=ff r5=f => r3=fffffffffffffff0 cr0=8 | 64",
  ],
});

/** NOR. RA <- ¬((RS) | (RB)). */
export const nor = ppc("nor", {
  pattern: "X-form: 31 RS RA RB 124 Rc",
  syntax: "RA, RS, RB",
  aliases: ["not RA, RS | RB=RS"],
  cycleClass: "alu",
  semantics: registers((b, x, y) => b.not(b.or(x, y))),
  examples: [
    "7c8328f8 | nor r3, r4, r5 | r4=f0 r5=f => r3=ffffff00 | 32",
    "7c8320f8 | not r3, r4 | r4=0 => r3=ffffffffffffffff | 64",
  ],
});

/** Equivalent. RA <- (RS) ≡ (RB). */
export const eqv = ppc("eqv", {
  pattern: "X-form: 31 RS RA RB 284 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics: registers((b, x, y) => b.not(b.xor(x, y))),
  examples: [
    "7c832a38 | eqv r3, r4, r5 | r4=ff r5=f => r3=ffffff0f | 32",
    "7c832a38 | eqv r3, r4, r5 | r4=ff r5=f => r3=ffffffffffffff0f | 64",
  ],
});

/** Extend Sign Byte. RA <- EXTS((RS)56:63). */
export const extsb = ppc("extsb", {
  pattern: "X-form: 31 RS RA /5 954 Rc",
  syntax: "RA, RS",
  cycleClass: "alu",
  semantics(b, { RA, RS }, variant) {
    finish(b, RA, variant, b.sext(b.trunc(RS.read(b), 8), variant.mode));
  },
  examples: [
    "7c830774 | extsb r3, r4 | r4=1280 => r3=ffffff80 | 32",
    "7c830775 | extsb. r3, r4 | r4=1280 => r3=ffffffffffffff80 cr0=8 | 64",
  ],
});

/** Extend Sign Halfword. RA <- EXTS((RS)48:63). */
export const extsh = ppc("extsh", {
  pattern: "X-form: 31 RS RA /5 922 Rc",
  syntax: "RA, RS",
  cycleClass: "alu",
  semantics(b, { RA, RS }, variant) {
    finish(b, RA, variant, b.sext(b.trunc(RS.read(b), 16), variant.mode));
  },
  examples: [
    "7c830734 | extsh r3, r4 | r4=128000 => r3=ffff8000 | 32",
    "7c830735 | extsh. r3, r4 | r4=7fff => r3=7fff cr0=4",
  ],
});

/** Extend Sign Word. RA <- EXTS((RS)32:63). */
export const extsw = ppc("extsw", {
  pattern: "X-form: 31 RS RA /5 986 Rc",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS }, variant) {
    finish(b, RA, variant, b.sext(RS.word(b), 64));
  },
  examples: ["7c8307b4 | extsw r3, r4 | r4=180000000 => r3=ffffffff80000000"],
});

/** Count Leading Zeros Word. RA <- the number of zeros from bit 32 on. */
export const cntlzw = ppc("cntlzw", {
  pattern: "X-form: 31 RS RA /5 26 Rc",
  syntax: "RA, RS",
  cycleClass: "alu",
  semantics(b, { RA, RS }, variant) {
    finish(b, RA, variant, b.clz(RS.word(b)));
  },
  examples: [
    "7c830034 | cntlzw r3, r4 | r4=1ffff => r3=f",
    "7c830035 | cntlzw. r3, r4 | r4=0 => r3=20 cr0=4",
  ],
});

/** Count Leading Zeros Doubleword. RA <- the number of zeros from bit 0 on. */
export const cntlzd = ppc("cntlzd", {
  pattern: "X-form: 31 RS RA /5 58 Rc",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS }, variant) {
    finish(b, RA, variant, b.clz(RS.read(b)));
  },
  examples: ["7c830074 | cntlzd r3, r4 | r4=1 => r3=3f"],
});

/** Population Count Words, each word on its own. POWER7 and later. */
export const popcntw = ppc("popcntw", {
  pattern: "X-form: 31 RS RA /5 378 /1",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS }) {
    const upper = b.popcnt(b.trunc(b.shr(RS.read(b), b.constant(64, 32)), 32));
    const lower = b.popcnt(RS.word(b));
    RA.write(b, b.or(b.shl(b.zext(upper, 64), b.constant(64, 32)), b.zext(lower, 64)));
  },
  examples: ["7c8302f4 | popcntw r3, r4 | r4=70000000f => r3=300000004"],
});

/** Population Count Doubleword. RA <- the number of ones. POWER7 and later. */
export const popcntd = ppc("popcntd", {
  pattern: "X-form: 31 RS RA /5 506 /1",
  syntax: "RA, RS",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS }) {
    RA.write(b, b.popcnt(RS.read(b)));
  },
  examples: ["7c8303f4 | popcntd r3, r4 | r4=70000000f => r3=7"],
});

export const LOGICAL: readonly Definition[] = [
  ...[andi, andis, ori, oris, xori, xoris, and, andc, or, orc, xor, nand, nor, eqv],
  ...[extsb, extsh, extsw, cntlzw, cntlzd, popcntw, popcntd],
];
