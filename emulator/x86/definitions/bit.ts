/** Single bits, and scans for them. SDM vol. 2A, BT, BTC, BTR, BTS, BSF, BSR, POPCNT. */
import type { Ops, Value } from "../../ir/ops.ts";
import { bitFlags, logicFlags, storedFlags } from "../flags.ts";
import type { Operand } from "../operand.ts";
import type { Definition } from "../record.ts";

/**
 * The operand that holds the bit: in memory a register's bit offset reaches beyond it, signed, by whole
 * operands.
 */
function holder<V extends Value>(b: Ops<V>, where: Operand<V>, bit: Operand<V>): Operand<V> {
  if (!where.isMemory || bit.isImmediate) return where;
  const w = where.width, offset = bit.read(b), log = Math.log2(w);
  const bytes = b.shl(b.sar(offset, b.constant(w, log)), b.constant(w, log - 3));
  return where.displaced(b, b.sext(bytes, 64));
}

type Change = <V extends Value>(b: Ops<V>, value: V, bit: V) => V;

function testing(
  mnemonic: string,
  key: string,
  digit: number,
  change: Change | undefined,
  examples: string[],
) {
  const definition: Definition = {
    mnemonic,
    encodings: { [key]: "Ev,Gv", [`0f ba /${digit}`]: "Ev,Ib" },
    lock: change !== undefined,
    memory: change === undefined ? undefined : "rmw",
    cycleClass: "alu",
    semantics(b, [where, index]) {
      const w = where.width, operand = holder(b, where, index);
      const value = change === undefined ? operand.read(b) : operand.readForWrite(b);
      const given = index.read(b), wide = given.width < w ? b.zext(given, w) : given;
      const n = b.and(wide, b.constant(w, w - 1));
      const recipe = bitFlags(b, b.trunc(b.shr(value, n), 1));
      if (change !== undefined) operand.write(b, change(b, value, b.shl(b.constant(w, 1), n)));
      b.flags(recipe);
    },
    examples,
  };
  return definition;
}

/** BT: CF <- the bit; OF SF AF PF are undefined and stay. */
export const bt = testing("bt", "0f a3", 4, undefined, [
  "0f a3 c8 | bt eax, ecx | eax=8 ecx=23 zf=1 => cf=1 zf=1",
  "0f a3 0b | bt dword ptr [ebx], ecx | ebx=2000 ecx=-1 d[1ffc]=80000000 => cf=1 | 32",
  "0f ba 23 21 | bt dword ptr [ebx], 0x21 | ebx=2000 d[2000]=2 => cf=1 | 32",
]);

/** BTS: the same, then the bit is set. */
export const bts = testing("bts", "0f ab", 5, (b, value, bit) => b.or(value, bit), [
  "0f ab c8 | bts eax, ecx | eax=0 ecx=1f => eax=80000000 cf=0",
  "f0 48 0f ab 0b | lock bts qword ptr [rbx], rcx | rbx=2000 rcx=41 => q[2008]=2 cf=0 | 64",
]);

/** BTR: the same, then the bit is cleared. */
export const btr = testing("btr", "0f b3", 6, (b, value, bit) => b.and(value, b.not(bit)), [
  "0f ba f0 03 | btr eax, 3 | eax=f => eax=7 cf=1",
]);

/** BTC: the same, then the bit is inverted. */
export const btc = testing("btc", "0f bb", 7, (b, value, bit) => b.xor(value, bit), [
  "0f ba f8 00 | btc eax, 0 | eax=f => eax=e cf=1",
]);

/**
 * BSF, BSR: ZF <- SRC = 0; DEST <- index of the lowest or highest set bit. Of 0 DEST stays (what the manual now
 * says of Intel's processors, and AMD's always). CF OF SF AF PF are undefined. F3 before them means TZCNT and LZCNT
 * where CPUID reports those: it does not here, and of a processor without them F3 BSF is BSF, as compilers
 * count on; F3 BSR is refused, since LZCNT would give something else.
 */
function scanning(
  mnemonic: string,
  keys: string[],
  find: <V extends Value>(b: Ops<V>, x: V) => V,
  examples: string[],
): Definition {
  return {
    mnemonic,
    encodings: Object.fromEntries(keys.map((key) => [key, "Gv,Ev"])),
    cycleClass: "alu",
    semantics(b, [dst, src]) {
      const x = src.read(b), w = x.width;
      const wide = w === 16 ? b.zext(x, 32) : x;
      b.when(b.ne(x, b.constant(w, 0)), () => dst.write(b, b.trunc(find(b, wide), w)));
      b.flags(logicFlags(b, x));
    },
    examples,
  };
}

export const bsf = scanning("bsf", ["0f bc", "f3 0f bc"], (b, x) => b.ctz(x), [
  "0f bc c1 | bsf eax, ecx | eax=77 ecx=8 => eax=3 zf=0",
  "0f bc c1 | bsf eax, ecx | eax=77 ecx=0 => eax=77 zf=1",
  "f3 0f bc c1 | bsf eax, ecx | ecx=10 => eax=4 zf=0",
]);

export const bsr = scanning("bsr", ["0f bd"], (b, x) => {
  const w = x.width as 32 | 64;
  return b.sub(b.constant(w, w - 1), b.clz(x));
}, [
  "0f bd c1 | bsr eax, ecx | ecx=90 => eax=7 zf=0",
  "66 0f bd c1 | bsr ax, cx | eax=10000 ecx=8000 => eax=1000f zf=0",
]);

/** POPCNT: DEST <- how many bits of SRC are set; ZF <- SRC = 0, CF OF SF AF PF <- 0. CPUID leaf 1, ECX bit 23. */
export const popcnt: Definition = {
  mnemonic: "popcnt",
  encodings: { "f3 0f b8": "Gv,Ev" },
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    const x = src.read(b), w = x.width, none = b.eq(x, b.constant(w, 0));
    dst.write(b, b.trunc(b.popcnt(w === 16 ? b.zext(x, 32) : x), w));
    b.flags(storedFlags(b, b.shl(b.zext(none, 64), b.constant(64, 6))));
  },
  examples: [
    "f3 0f b8 c1 | popcnt eax, ecx | ecx=f0f0f0f1 cf=1 of=1 sf=1 af=1 pf=1 zf=1 => eax=11 cf=0 of=0 sf=0 af=0 pf=0 zf=0",
    "66 f3 0f b8 03 | popcnt ax, word ptr [ebx] | eax=12345 ebx=2000 w[2000]=0 => eax=10000 zf=1 | 32",
    "f3 48 0f b8 c1 | popcnt rax, rcx | rcx=-1 => rax=40 zf=0 | 64",
  ],
};
