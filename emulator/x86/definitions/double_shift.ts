/**
 * SHLD and SHRD. SDM vol. 2B. COUNT <- COUNT mod 32 (mod 64 for 64-bit operands); nothing changes if that is 0. Of a
 * count above 16 for 16 bits everything is undefined: here the bits of SRC and then of DEST again come in.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { shiftFlags } from "../flags.ts";
import type { Definition } from "../record.ts";

interface Shifted<V extends Value> {
  readonly result: V;
  /** The last bit shifted out, in bit 0. */
  readonly last: V;
}

/** 16 bits: within 48 bits of `x`:`filler`:`x`. */
function shiftNarrow<V extends Value>(b: Ops<V>, x: V, filler: V, count: V, left: boolean): Shifted<V> {
  const wide = (v: V, n: number) => b.shl(b.zext(v, 64), b.constant(64, n));
  const all = b.or(b.or(wide(x, 32), wide(filler, 16)), b.zext(x, 64)), n = b.zext(count, 64);
  const at = (v: V, bit: number) => b.trunc(b.shr(v, b.constant(64, bit)), 16);
  if (left) {
    const moved = b.shl(all, n);
    return { result: at(moved, 32), last: at(moved, 48) };
  }
  const before = b.and(b.sub(n, b.constant(64, 1)), b.constant(64, 63));
  return { result: at(b.shr(all, n), 0), last: at(b.shr(all, before), 0) };
}

function shiftWide<V extends Value>(b: Ops<V>, x: V, filler: V, count: V, left: boolean): Shifted<V> {
  const w = x.width, one = b.constant(w, 1), top = b.constant(w, w - 1);
  const before = b.and(b.sub(count, one), top), rest = b.sub(top, count);
  // What comes in is shifted in two steps: by the width it is nothing.
  if (left) {
    const result = b.or(b.shl(x, count), b.shr(b.shr(filler, one), rest));
    return { result, last: b.shr(b.shl(x, before), top) };
  }
  return { result: b.or(b.shr(x, count), b.shl(b.shl(filler, one), rest)), last: b.shr(x, before) };
}

function define(mnemonic: string, opcode: number, left: boolean, examples: string[]): Definition {
  const key = (n: number) => `0f ${(opcode + n).toString(16)}`;
  return {
    mnemonic,
    encodings: { [key(0)]: "Ev,Gv,Ib", [key(1)]: "Ev,Gv,CL" },
    memory: "rmw",
    cycleClass: "alu",
    semantics(b, [dst, src, by]) {
      const x = dst.readForWrite(b), w = x.width, filler = src.read(b);
      const count = b.and(b.zext(by.read(b), w), b.constant(w, w === 64 ? 63 : 31));
      const { result, last } = (w === 16 ? shiftNarrow : shiftWide)(b, x, filler, count, left);
      const zero = b.constant(w, 0), changed = b.ne(count, zero);
      const cf = b.trunc(last, 1);
      // OF (count 1) tells whether the sign has changed.
      const overflow = b.xor(b.lts(x, zero), b.lts(result, zero));
      const bit = (v: typeof cf, n: number) => b.shl(b.zext(v, 64), b.constant(64, n));
      const aux = b.or(bit(cf, 63), bit(b.xor(cf, overflow), 62));
      const recipe = shiftFlags(b, result, aux, changed);
      dst.write(b, b.select(changed, result, x));
      b.flags(recipe);
    },
    examples,
  };
}

/** SHLD: DEST shifted left, SRC's top bits come in. CF is the last bit shifted out. */
export const shld = define("shld", 0xa4, true, [
  "0f a4 c8 08 | shld eax, ecx, 8 | eax=12345678 ecx=9abcdef0 => eax=3456789a cf=0",
  "0f a5 c8 | shld eax, ecx, cl | eax=12345678 ecx=20 cf=1 zf=1 => eax=12345678 cf=1 zf=1",
  "66 0f a4 c8 04 | shld ax, cx, 4 | eax=11234 ecx=f000 => eax=1234f cf=1",
  "48 0f a4 c8 01 | shld rax, rcx, 1 | rax=4000000000000000 rcx=8000000000000000 => rax=8000000000000001 cf=0 of=1 | 64",
]);

/** SHRD: DEST shifted right, SRC's low bits come in. CF is the last bit shifted out. */
export const shrd = define("shrd", 0xac, false, [
  "0f ac c8 08 | shrd eax, ecx, 8 | eax=12345678 ecx=9abcdef0 => eax=f0123456 cf=0",
  "66 0f ad c8 | shrd ax, cx, cl | eax=8 ecx=4 => eax=4000 cf=1",
  "48 0f ac d0 3f | shrd rax, rdx, 0x3f | rax=8000000000000000 rdx=2 => rax=5 cf=0 | 64",
]);
