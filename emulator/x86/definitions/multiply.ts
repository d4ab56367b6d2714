/** Multiplications. SDM vol. 2A IMUL, vol. 2B MUL. */
import type { Ops, Recipe, Value } from "../../ir/ops.ts";
import { mulFlags } from "../flags.ts";
import { type Operand, writeRegister } from "../operand.ts";
import type { Definition, Instance } from "../record.ts";
import type { Mode } from "../registers.ts";
import { RAX, RDX } from "../slots.ts";

interface Product<V extends Value> {
  readonly low: V;
  readonly high: V;
}

/** Both halves of the product of two values of equal width. */
function product<V extends Value>(b: Ops<V>, x: V, y: V, signed: boolean): Product<V> {
  const w = x.width;
  if (w === 64) return { low: b.mul(x, y), high: signed ? b.mulhs(x, y) : b.mulhu(x, y) };
  const wide = w === 32 ? 64 : 32;
  const extend = (v: V) => signed ? b.sext(v, wide) : b.zext(v, wide);
  const full = b.mul(extend(x), extend(y));
  return { low: b.trunc(full, w), high: b.trunc(b.shr(full, b.constant(wide, w)), w) };
}

/** Whether the high half says more than the low one (with its sign). */
function overflows<V extends Value>(b: Ops<V>, { low, high }: Product<V>, signed: boolean): V {
  const w = low.width;
  if (!signed) return b.ne(high, b.constant(w, 0));
  return b.ne(high, b.neg(b.zext(b.lts(low, b.constant(w, 0)), w)));
}

/**
 * Undefined flags: in real mode what an 80286 leaves (by the high half, AF set), else by the low half, as most
 * emulators have it.
 */
function flagsOf<V extends Value>(b: Ops<V>, both: Product<V>, mode: Mode, signed: boolean): Recipe<V> {
  const overflow = overflows(b, both, signed);
  return mode === 16 ? mulFlags(b, both.high, overflow, 1) : mulFlags(b, both.low, overflow, 0);
}

function multiplyInto<V extends Value>(b: Ops<V>, dst: Operand<V>, x: V, y: V, mode: Mode): void {
  const both = product(b, x, y, true), recipe = flagsOf(b, both, mode, true);
  dst.write(b, both.low);
  b.flags(recipe);
}

/** IMUL r, r/m: DEST <- DEST * SRC, truncated; CF = OF = truncated; SF ZF AF PF undefined. */
export const imul2: Definition = {
  mnemonic: "imul",
  encodings: { "0f af": "Gv,Ev" },
  cycleClass: "mul",
  semantics(b, [dst, src], { mode }) {
    const y = src.read(b);
    multiplyInto(b, dst, dst.read(b), y, mode);
  },
  examples: [
    "0f af c3 | imul eax, ebx | eax=ffffffff ebx=5 => eax=fffffffb cf=0 of=0",
    "0f af c3 | imul eax, ebx | eax=10000 ebx=10000 => eax=0 cf=1 of=1",
    "48 0f af c3 | imul rax, rbx | rax=100000000 rbx=80000000 => rax=8000000000000000 cf=1 of=1 | 64",
  ],
};

/** IMUL r, r/m, imm: DEST <- SRC1 * SRC2, as above. */
export const imul3: Definition = {
  mnemonic: "imul",
  encodings: { "69": "Gv,Ev,Iz", "6b": "Gv,Ev,Is" },
  cycleClass: "mul",
  semantics(b, [dst, src, factor], { mode }) {
    const x = src.read(b);
    multiplyInto(b, dst, x, factor.read(b), mode);
  },
  examples: ["6b c3 f6 | imul eax, ebx, 0xfffffff6 | ebx=3 => eax=ffffffe2 cf=0"],
};

function semantics<V extends Value>(
  b: Ops<V>,
  src: Operand<V>,
  { mode }: Instance,
  signed: boolean,
): void {
  const w = src.width, y = src.read(b);
  const both = product(b, b.read(RAX, w), y, signed);
  const recipe = flagsOf(b, both, mode, signed);
  if (w === 8) {
    // The product of bytes is in AX.
    b.write(RAX, both.low);
    b.write(RAX + 1, both.high);
  } else {
    writeRegister(b, mode, RAX, both.low);
    writeRegister(b, mode, RDX, both.high);
  }
  b.flags(recipe);
}

/** MUL r/m: rDX:rAX <- rAX * SRC unsigned (AX <- AL * SRC); CF = OF = (upper half != 0). */
export const mul: Definition = {
  mnemonic: "mul",
  encodings: { "f6 /4": "Eb", "f7 /4": "Ev" },
  cycleClass: "mul",
  semantics: (b, [src], instance) => semantics(b, src, instance, false),
  examples: [
    "f7 e3 | mul ebx | eax=80000000 ebx=4 => eax=0 edx=2 cf=1 of=1",
    "f6 e3 | mul bl | eax=12ff ebx=2 => eax=1fe cf=1",
    "48 f7 e3 | mul rbx | rax=ffffffffffffffff rbx=ffffffffffffffff => rax=1 rdx=fffffffffffffffe cf=1 | 64",
  ],
};

/** IMUL r/m: the same, signed; CF = OF = (upper half is not the sign of the lower). */
export const imul1: Definition = {
  mnemonic: "imul",
  encodings: { "f6 /5": "Eb", "f7 /5": "Ev" },
  cycleClass: "mul",
  semantics: (b, [src], instance) => semantics(b, src, instance, true),
  examples: [
    "f7 eb | imul ebx | eax=ffffffff ebx=2 => eax=fffffffe edx=ffffffff cf=0 of=0",
    "f6 eb | imul bl | eax=80 ebx=80 => eax=4000 cf=1",
  ],
};
