/** Questions about selectors. SDM vol. 2A and 2B, ARPL, LAR, LSL, VERR, VERW. The machine reads the descriptor. */
import type { Ops, Recipe, Value } from "../../ir/ops.ts";
import { FLAG } from "../flag_bits.ts";
import { eflags, storedFlags } from "../flags.ts";
import type { Definition } from "../record.ts";

/** ZF alone changes; `zf` has width 1. */
function zeroFlag<V extends Value>(b: Ops<V>, zf: V): Recipe<V> {
  const others = b.and(eflags(b), b.constant(64, ~FLAG.ZF));
  return storedFlags(b, b.or(others, b.shl(b.zext(zf, 64), b.constant(64, 6))));
}

/** Of a trap's answer: whether it is yes. */
function isYes<V extends Value>(b: Ops<V>, answer: V): V {
  return b.lts(answer, b.constant(64, 0));
}

const RPL = 3;

/** ARPL: if DEST.RPL < SRC.RPL then { ZF <- 1; DEST.RPL <- SRC.RPL } else ZF <- 0. */
export const arpl: Definition = {
  mnemonic: "arpl",
  encodings: { "63": "Ew,Gw;not64 protected" },
  memory: "rmw",
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    const old = dst.read(b), rpl = b.constant(16, RPL), wanted = b.and(src.read(b), rpl);
    const isLower = b.ltu(b.and(old, rpl), wanted), recipe = zeroFlag(b, isLower);
    // What stays is not written: it may be read-only.
    b.when(isLower, () => dst.write(b, b.or(b.and(old, b.constant(16, ~RPL)), wanted)));
    b.flags(recipe);
  },
  examples: [
    "63 c8 | arpl ax, cx | eax=10008 ecx=3 zf=0 cf=1 => eax=1000b zf=1 cf=1 | 32",
    "63 c8 | arpl ax, cx | eax=b ecx=2 zf=1 => eax=b zf=0 | 32 16p",
    "63 0f | arpl word ptr [bx], cx | ebx=100 ecx=1 ds_base=2000 w[2100]=10 => w[2100]=11 zf=1 | 16p",
  ],
};

/**
 * LAR, LSL: if the selector names a segment that may be looked at { ZF <- 1; DEST <- what it says } else ZF <- 0. A
 * selector in a register is written as wide as DEST, in memory it has 16 bits.
 */
function asking(
  mnemonic: "lar" | "lsl",
  opcode: string,
  mask16: number,
  source: "Rv" | "Mw",
  examples: string[],
): Definition {
  return {
    mnemonic,
    encodings: { [opcode]: `Gv,${source};protected` },
    cycleClass: "system",
    semantics(b, [dst, src]) {
      const answer = b.trap(mnemonic, [b.trunc(src.read(b), 16)], 64),
        yes = isYes(b, answer),
        low = b.trunc(answer, 32);
      const value = dst.width === 16
        ? b.and(b.trunc(low, 16), b.constant(16, mask16))
        : b.zext(low, dst.width);
      b.when(yes, () => dst.write(b, value));
      b.flags(zeroFlag(b, yes));
    },
    examples,
  };
}

/** LAR: bits 23 to 8 of the descriptor's second word; of operand size 16 the access byte alone. */
export const lar = asking("lar", "0f 02", 0xff00, "Rv", [
  "0f 02 c1 | lar eax, ecx | ecx=8 result=8000000000cf9b00 cf=1 zf=0 => eax=cf9b00 zf=1 cf=1 trap=lar(8)",
  "0f 02 c1 | lar eax, ecx | eax=77 ecx=8 result=0 zf=1 => eax=77 zf=0",
]);
export const larMemory = asking("lar", "0f 02", 0xff00, "Mw", [
  "0f 02 07 | lar ax, word ptr [bx] | eax=ffffffff ebx=100 w[100]=8 result=8000000000cf9b00 => eax=ffff9b00 zf=1 trap=lar(8) | 16p",
]);
/** LSL: the offset of the segment's last byte. */
export const lsl = asking("lsl", "0f 03", 0xffff, "Rv", [
  "0f 03 c1 | lsl eax, ecx | ecx=8 result=80000000ffffffff zf=0 => eax=ffffffff zf=1 trap=lsl(8)",
  "66 0f 03 c1 | lsl ax, cx | eax=0 ecx=8 result=8000000012345678 => eax=5678 zf=1",
]);
export const lslMemory = asking("lsl", "0f 03", 0xffff, "Mw", [
  "0f 03 03 | lsl eax, word ptr [ebx] | ebx=2000 w[2000]=8 result=80000000ffffffff => eax=ffffffff zf=1 | 32",
]);

/** VERR, VERW: ZF <- the segment may be read, written. */
function verifying(mnemonic: "verr" | "verw", digit: number, examples: string[]): Definition {
  return {
    mnemonic,
    encodings: { [`0f 00 /${digit}`]: "Ew;protected" },
    cycleClass: "system",
    semantics(b, [src]) {
      b.flags(zeroFlag(b, isYes(b, b.trap(mnemonic, [src.read(b)], 64))));
    },
    examples,
  };
}

export const verr = verifying("verr", 4, [
  "0f 00 e0 | verr ax | eax=12340010 result=8000000000000000 zf=0 => zf=1 trap=verr(10)",
]);
export const verw = verifying("verw", 5, [
  "0f 00 e8 | verw ax | eax=8 result=0 zf=1 cf=1 => zf=0 cf=1 trap=verw(8)",
]);
