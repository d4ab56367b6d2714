/** Rotates and shifts (Power ISA 2.07B Book I 3.3.14). */
import type { Ops, Value } from "../../ir/ops.ts";
import { finish, writeCarry } from "../arithmetic.ts";
import { type Definition, type FieldReader, ppc, type Variant } from "../definition.ts";
import type { Operands, Register } from "../operands.ts";
import type { PpcMode } from "../state.ts";

/** ROTL32(x, n): in mode 64 the rotated word stands in both halves, as the manual has it. */
function rotateWord<V extends Value>(b: Ops<V>, from: Register<V>, n: V, { mode, kind }: Variant): V {
  const word = b.rotl(from.word(b), n);
  if (mode === 32) return word;
  const low = b.zext(word, 64);
  return kind === "wrapped" ? b.or(low, b.shl(low, b.constant(64, 32))) : low;
}

/** A mask with MB > ME has ones in the upper half: only then must the rotated word be doubled in mode 64. */
const WRAP = {
  names: (mode: PpcMode) => mode === 64 ? ["", "wrapped"] : [""],
  of: (field: FieldReader, mode: PpcMode) => mode === 64 && field("MB") > field("ME") ? "wrapped" : "",
};

/**
 * Rotate Left Word Immediate then AND with Mask. r <- ROTL32((RS)32:63, SH); m <- MASK(MB+32, ME+32);
 * RA <- r & m.
 */
export const rlwinm = ppc("rlwinm", {
  pattern: "M-form: 21 RS RA SH MB ME Rc",
  syntax: "RA, RS, SH, MB, ME",
  aliases: [
    "rotlwi RA, RS, n | SH=n MB=0 ME=31",
    "clrlwi RA, RS, n | SH=0 MB=n ME=31",
    "slwi RA, RS, n | SH=n MB=0 ME=31-n",
    "srwi RA, RS, n | MB=n SH=32-n ME=31",
  ],
  accepts: [
    "rotrwi RA, RS, n | SH=32-n MB=0 ME=31",
    "clrrwi RA, RS, n | SH=0 MB=0 ME=31-n",
    "clrlslwi RA, RS, c, n | SH=n MB=c-n ME=31-n",
    "extlwi RA, RS, n, c | SH=c MB=0 ME=n-1",
    "extrwi RA, RS, n, c | SH=c+n MB=32-n ME=31",
  ],
  also: ["wordMask"],
  kinds: WRAP,
  cycleClass: "alu",
  semantics(b, { RA, RS, SH, wordMask }, variant) {
    finish(b, RA, variant, b.and(rotateWord(b, RS, SH.word(b), variant), wordMask.read(b)));
  },
  examples: [
    "5483403c | rlwinm r3, r4, 8, 0, 0x1e | r4=12345678 => r3=34567812",
    "54832707 | rlwinm. r3, r4, 4, 0x1c, 3 | r4=12345678 => r3=20000001 cr0=4 | 32",
    "54832706 | rlwinm r3, r4, 4, 0x1c, 3 | r4=12345678 => r3=2345678120000001 | 64",
    "54832036 | slwi r3, r4, 4 | r4=12345678 => r3=23456780",
    "5483e13e | srwi r3, r4, 4 | r4=f2345678 => r3=f234567",
    "5483043e | clrlwi r3, r4, 0x10 | r4=12345678 => r3=5678",
    "5483083e | rotlwi r3, r4, 1 | r4=80000000 => r3=1",
  ],
});

/** Rotate Left Word then AND with Mask. As rlwinm, by (RB)59:63. */
export const rlwnm = ppc("rlwnm", {
  pattern: "M-form: 23 RS RA RB MB ME Rc",
  syntax: "RA, RS, RB, MB, ME",
  aliases: ["rotlw RA, RS, RB | MB=0 ME=31"],
  also: ["wordMask"],
  kinds: WRAP,
  cycleClass: "alu",
  semantics(b, { RA, RS, RB, wordMask }, variant) {
    finish(b, RA, variant, b.and(rotateWord(b, RS, RB.word(b), variant), wordMask.read(b)));
  },
  examples: [
    "5c83281e | rlwnm r3, r4, r5, 0, 0xf | r4=12345678 r5=24 => r3=23450000",
    "5c83283e | rotlw r3, r4, r5 | r4=80000001 r5=1 => r3=3",
  ],
});

/** Rotate Left Word Immediate then Mask Insert. RA <- r & m | (RA) & ¬m, r and m as in rlwinm. */
export const rlwimi = ppc("rlwimi", {
  pattern: "M-form: 20 RS RA SH MB ME Rc",
  syntax: "RA, RS, SH, MB, ME",
  accepts: [
    "inslwi RA, RS, n, c | SH=32-c MB=c ME=c+n-1",
    "insrwi RA, RS, n, c | SH=32-c-n MB=c ME=c+n-1",
  ],
  also: ["wordMask"],
  kinds: WRAP,
  cycleClass: "alu",
  semantics(b, { RA, RS, SH, wordMask }, variant) {
    insert(b, RA, rotateWord(b, RS, SH.word(b), variant), wordMask.read(b), variant);
  },
  examples: [
    "5083442e | rlwimi r3, r4, 8, 0x10, 0x17 | r3=11111111 r4=ab => r3=1111ab11",
    "50830707 | rlwimi. r3, r4, 0, 0x1c, 3 | r3=0 r4=ffffffff => r3=f000000f cr0=8 | 32",
    "50830706 | rlwimi r3, r4, 0, 0x1c, 3 | r3=0 r4=ffffffff => r3=fffffffff000000f | 64",
  ],
});

/** RA <- r & m | (RA) & ¬m. */
function insert<V extends Value>(b: Ops<V>, to: Register<V>, r: V, m: V, variant: Variant): void {
  finish(b, to, variant, b.or(b.and(r, m), b.and(to.read(b), b.not(m))));
}

/** Rotate Left Doubleword Immediate then Clear Left. RA <- ROTL64((RS), sh) & MASK(mb, 63). */
export const rldicl = ppc("rldicl", {
  pattern: "MD-form: 30 RS RA sh mb 0 sh Rc",
  syntax: "RA, RS, sh, mb",
  aliases: [
    "rotldi RA, RS, n | sh=n mb=0",
    "clrldi RA, RS, n | sh=0 mb=n",
    "srdi RA, RS, n | mb=n sh=64-n",
  ],
  accepts: ["rotrdi RA, RS, n | sh=64-n mb=0", "extrdi RA, RS, n, c | sh=c+n mb=64-n"],
  also: ["leftMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, sh, leftMask }, variant) {
    finish(b, RA, variant, b.and(b.rotl(RS.read(b), sh.read(b)), leftMask.read(b)));
  },
  examples: [
    "78834420 | rldicl r3, r4, 8, 0x30 | r4=123456789abcdef0 => r3=f012",
    "78830020 | clrldi r3, r4, 0x20 | r4=123456789abcdef0 => r3=9abcdef0",
    "7883e120 | srdi r3, r4, 0x24 | r4=123456789abcdef0 => r3=1234567",
    "78830802 | rotldi r3, r4, 0x21 | r4=8000000000000000 => r3=100000000",
  ],
});

/** Rotate Left Doubleword Immediate then Clear Right. RA <- ROTL64((RS), sh) & MASK(0, me). */
export const rldicr = ppc("rldicr", {
  pattern: "MD-form: 30 RS RA sh me 1 sh Rc",
  syntax: "RA, RS, sh, me",
  aliases: ["sldi RA, RS, n | sh=n me=63-n"],
  accepts: ["clrrdi RA, RS, n | sh=0 me=63-n", "extldi RA, RS, n, c | sh=c me=n-1"],
  also: ["rightMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, sh, rightMask }, variant) {
    finish(b, RA, variant, b.and(b.rotl(RS.read(b), sh.read(b)), rightMask.read(b)));
  },
  examples: [
    "788343c4 | rldicr r3, r4, 8, 0xf | r4=123456789abcdef0 => r3=3456000000000000",
    "788307c7 | sldi. r3, r4, 0x20 | r4=123456789abcdef0 => r3=9abcdef000000000 cr0=8",
  ],
});

/** Rotate Left Doubleword Immediate then Clear. RA <- ROTL64((RS), sh) & MASK(mb, 63-sh). */
export const rldic = ppc("rldic", {
  pattern: "MD-form: 30 RS RA sh mb 2 sh Rc",
  syntax: "RA, RS, sh, mb",
  accepts: ["clrlsldi RA, RS, c, n | sh=n mb=c-n"],
  also: ["shiftMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, sh, shiftMask }, variant) {
    finish(b, RA, variant, b.and(b.rotl(RS.read(b), sh.read(b)), shiftMask.read(b)));
  },
  examples: ["78832708 | rldic r3, r4, 4, 0x1c | r4=ffffffffffffffff => r3=ffffffff0"],
});

/** Rotate Left Doubleword Immediate then Mask Insert. RA <- r & m | (RA) & ¬m, m = MASK(mb, 63-sh). */
export const rldimi = ppc("rldimi", {
  pattern: "MD-form: 30 RS RA sh mb 3 sh Rc",
  syntax: "RA, RS, sh, mb",
  accepts: ["insrdi RA, RS, n, c | sh=64-c-n mb=c"],
  also: ["shiftMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, sh, shiftMask }, variant) {
    insert(b, RA, b.rotl(RS.read(b), sh.read(b)), shiftMask.read(b), variant);
  },
  examples: ["7883000e | rldimi r3, r4, 0x20, 0 | r3=11111111 r4=22222222 => r3=2222222211111111"],
});

/** Rotate Left Doubleword then Clear Left. As rldicl, by (RB)58:63. */
export const rldcl = ppc("rldcl", {
  pattern: "MDS-form: 30 RS RA RB mb 8 Rc",
  syntax: "RA, RS, RB, mb",
  aliases: ["rotld RA, RS, RB | mb=0"],
  also: ["leftMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, RB, leftMask }, variant) {
    finish(b, RA, variant, b.and(b.rotl(RS.read(b), RB.read(b)), leftMask.read(b)));
  },
  examples: ["78832830 | rldcl r3, r4, r5, 0x20 | r4=123456789abcdef0 r5=44 => r3=abcdef01"],
});

/** Rotate Left Doubleword then Clear Right. As rldicr, by (RB)58:63. */
export const rldcr = ppc("rldcr", {
  pattern: "MDS-form: 30 RS RA RB me 9 Rc",
  syntax: "RA, RS, RB, me",
  also: ["rightMask"],
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, RB, rightMask }, variant) {
    finish(b, RA, variant, b.and(b.rotl(RS.read(b), RB.read(b)), rightMask.read(b)));
  },
  examples: ["788329d2 | rldcr r3, r4, r5, 7 | r4=123456789abcdef0 r5=4 => r3=2300000000000000"],
});

/** The low 6 bits of a register as a 64-bit shift count: bit 58 set means 32 or more. */
function wordCount<V extends Value>(b: Ops<V>, { RB }: Operands<V>): V {
  return b.and(b.zext(RB.word(b), 64), b.constant(64, 63));
}

/** Shift Left Word. RA <- (RS)32:63 << (RB)58:63, 0 from 32 on. */
export const slw = ppc("slw", {
  pattern: "X-form: 31 RS RA RB 24 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const wide = b.shl(b.zext(operands.RS.word(b), 64), wordCount(b, operands));
    finish(b, operands.RA, variant, b.trunc(wide, 32));
  },
  examples: [
    "7c832830 | slw r3, r4, r5 | r4=f2345678 r5=44 => r3=23456780",
    "7c832831 | slw. r3, r4, r5 | r4=ffffffff r5=20 => r3=0 cr0=2",
  ],
});

/** Shift Right Word. RA <- (RS)32:63 >> (RB)58:63, 0 from 32 on. */
export const srw = ppc("srw", {
  pattern: "X-form: 31 RS RA RB 536 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const wide = b.shr(b.zext(operands.RS.word(b), 64), wordCount(b, operands));
    finish(b, operands.RA, variant, b.trunc(wide, 32));
  },
  examples: [
    "7c832c30 | srw r3, r4, r5 | r4=f2345678 r5=4 => r3=f234567",
    "7c832c30 | srw r3, r4, r5 | r4=ffffffff r5=3f => r3=0",
  ],
});

/** Arithmetic shift of 64 bits by n < 64; CA is set if the value is negative and ones are shifted out. */
function shiftAlgebraic<V extends Value>(b: Ops<V>, x: V, n: V): { result: V; carry: V } {
  const zero = b.constant(64, 0), out = b.and(x, b.not(b.shl(b.constant(64, -1), n)));
  return { result: b.sar(x, n), carry: b.and(b.lts(x, zero), b.ne(out, zero)) };
}

/** Shift Right Algebraic Word. RA <- EXTS((RS)32:63) >> (RB)58:63, the sign from 32 on; CA. */
export const sraw = ppc("sraw", {
  pattern: "X-form: 31 RS RA RB 792 Rc",
  syntax: "RA, RS, RB",
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const x = b.sext(operands.RS.word(b), 64);
    const { result, carry } = shiftAlgebraic(b, x, wordCount(b, operands));
    writeCarry(b, carry);
    finish(b, operands.RA, variant, b.trunc(result, variant.mode));
  },
  examples: [
    "7c832e30 | sraw r3, r4, r5 | r4=80000000 r5=20 => r3=ffffffff ca=1 | 32",
    "7c832e30 | sraw r3, r4, r5 | r4=80000000 r5=1f ca=1 => r3=ffffffff ca=0 | 32",
    "7c832e31 | sraw. r3, r4, r5 | r4=ffffffff r5=1 => r3=ffffffffffffffff ca=1 cr0=8 | 64",
  ],
});

/** Shift Right Algebraic Word Immediate. RA <- EXTS((RS)32:63) >> SH; CA. */
export const srawi = ppc("srawi", {
  pattern: "X-form: 31 RS RA SH 824 Rc",
  syntax: "RA, RS, SH",
  cycleClass: "alu",
  semantics(b, { RA, RS, SH }, variant) {
    const x = b.sext(RS.word(b), 64), { result, carry } = shiftAlgebraic(b, x, b.zext(SH.word(b), 64));
    writeCarry(b, carry);
    finish(b, RA, variant, b.trunc(result, variant.mode));
  },
  examples: [
    "7c832670 | srawi r3, r4, 4 | r4=f0000008 => r3=ff000000 ca=1 | 32",
    "7c832670 | srawi r3, r4, 4 | r4=f0000000 ca=1 => r3=ffffffffff000000 ca=0 | 64",
  ],
});

/** (RB)57:63 as a shift of 64 bits: `n` is its low six bits, `far` tells 64 or more. */
function doublewordCount<V extends Value>(b: Ops<V>, { RB }: Operands<V>): { n: V; far: V } {
  const count = RB.read(b), none = b.constant(64, 0);
  return { n: b.and(count, b.constant(64, 63)), far: b.ne(b.and(count, b.constant(64, 64)), none) };
}

/** Shift Left Doubleword. RA <- (RS) << (RB)57:63, 0 from 64 on. */
export const sld = ppc("sld", {
  pattern: "X-form: 31 RS RA RB 27 Rc",
  syntax: "RA, RS, RB",
  only: 64,
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const { n, far } = doublewordCount(b, operands);
    finish(b, operands.RA, variant, b.select(far, b.constant(64, 0), b.shl(operands.RS.read(b), n)));
  },
  examples: [
    "7c832836 | sld r3, r4, r5 | r4=1 r5=3f => r3=8000000000000000",
    "7c832836 | sld r3, r4, r5 | r4=1 r5=40 => r3=0",
  ],
});

/** Shift Right Doubleword. RA <- (RS) >> (RB)57:63, 0 from 64 on. */
export const srd = ppc("srd", {
  pattern: "X-form: 31 RS RA RB 539 Rc",
  syntax: "RA, RS, RB",
  only: 64,
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const { n, far } = doublewordCount(b, operands);
    finish(b, operands.RA, variant, b.select(far, b.constant(64, 0), b.shr(operands.RS.read(b), n)));
  },
  examples: [
    "7c832c36 | srd r3, r4, r5 | r4=8000000000000000 r5=bf => r3=1",
    "7c832c37 | srd. r3, r4, r5 | r4=1 r5=7f => r3=0 cr0=2",
  ],
});

/** Shift Right Algebraic Doubleword. RA <- (RS) >> (RB)57:63, the sign from 64 on; CA. */
export const srad = ppc("srad", {
  pattern: "X-form: 31 RS RA RB 794 Rc",
  syntax: "RA, RS, RB",
  only: 64,
  cycleClass: "alu",
  semantics(b, operands, variant) {
    const { n, far } = doublewordCount(b, operands), x = operands.RS.read(b);
    const { result, carry } = shiftAlgebraic(b, x, n);
    const sign = b.sar(x, b.constant(64, 63));
    writeCarry(b, b.select(far, b.trunc(sign, 1), carry));
    finish(b, operands.RA, variant, b.select(far, sign, result));
  },
  examples: [
    "7c832e34 | srad r3, r4, r5 | r4=8000000000000000 r5=40 => r3=ffffffffffffffff ca=1",
    "7c832e34 | srad r3, r4, r5 | r4=fffffffffffffff0 r5=4 ca=1 => r3=ffffffffffffffff ca=0",
  ],
});

/** Shift Right Algebraic Doubleword Immediate. RA <- (RS) >> sh; CA. */
export const sradi = ppc("sradi", {
  pattern: "XS-form: 31 RS RA sh 413 sh Rc",
  syntax: "RA, RS, sh",
  only: 64,
  cycleClass: "alu",
  semantics(b, { RA, RS, sh }, variant) {
    const { result, carry } = shiftAlgebraic(b, RS.read(b), sh.read(b));
    writeCarry(b, carry);
    finish(b, RA, variant, result);
  },
  examples: ["7c830e76 | sradi r3, r4, 0x21 | r4=8000000100000000 => r3=ffffffffc0000000 ca=1"],
});

export const SHIFT_ROTATE: readonly Definition[] = [
  ...[rlwinm, rlwnm, rlwimi, rldicl, rldicr, rldic, rldimi, rldcl, rldcr],
  ...[slw, srw, sraw, srawi, sld, srd, srad, sradi],
];
