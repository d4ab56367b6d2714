/**
 * Shifts and rotates. SDM vol. 2B, SAL/SAR/SHL/SHR and RCL/RCR/ROL/ROR.
 *
 * COUNT <- COUNT mod 32 (mod 64 for 64-bit operands); flags do not change if that is 0. Where the manual
 * leaves a flag undefined: AF is cleared by shifts (in real mode it is what an 80286 leaves); OF is as for the last of single-bit shifts (SHL),
 * 0 (SHR and SAR by more than 1), or as for a rotate by 1 from the result (ROL, ROR); CF of a shift by more
 * than the width is the last bit out, were the operand padded with zeros (or the sign).
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { carry, shiftFlags, topBits } from "../flags.ts";
import type { Definition } from "../record.ts";

interface Shifted<V extends Value> {
  readonly result: V;
  /** CF and CF xor OF in bits 63 and 62. */
  readonly aux: V;
}

/** `count` is masked and of `x`'s width; if it is 0, only the result counts, not the flags. */
type Compute = <V extends Value>(b: Ops<V>, x: V, count: V) => Shifted<V>;

function define(
  mnemonic: string,
  digit: number,
  kind: "shift" | "rotate",
  compute: Compute,
  examples: readonly string[],
  aliases: readonly string[] = [],
): Definition {
  return {
    mnemonic,
    aliases,
    encodings: {
      [`c0 /${digit}`]: "Eb,Ib",
      [`c1 /${digit}`]: "Ev,Ib",
      [`d0 /${digit}`]: "Eb,1",
      [`d1 /${digit}`]: "Ev,1",
      [`d2 /${digit}`]: "Eb,CL",
      [`d3 /${digit}`]: "Ev,CL",
      // /6 is what /4 is, in every processor; only AMD documents it (APM vol. 3, appendix A).
      ...(digit === 4
        ? {
          "c0 /6": "Eb,Ib",
          "c1 /6": "Ev,Ib",
          "d0 /6": "Eb,1",
          "d1 /6": "Ev,1",
          "d2 /6": "Eb,CL",
          "d3 /6": "Ev,CL",
        }
        : {}),
    },
    memory: "rmw",
    cycleClass: "shift",
    semantics(b, [dst, src], { mode }) {
      const flagsOf = <W extends Value>(b: Ops<W>, { result, aux }: Shifted<W>, changed?: W) => {
        if (kind === "rotate") return shiftFlags(b, undefined, aux, changed);
        return shiftFlags(b, result, mode === 16 ? b.or(aux, adjustOf(b, mnemonic, result)) : aux, changed);
      };
      const x = dst.readForWrite(b), w = x.width;
      const amount = src.read(b);
      const count = b.and(w === 8 ? amount : b.zext(amount, w), b.constant(w, w === 64 ? 63 : 31));
      const shifted = compute(b, x, count);
      // An immediate that is 0 after masking is decoded to the form with a register: see decode.ts.
      const changed = src.isImmediate ? undefined : b.ne(count, b.constant(w, 0));
      const recipe = flagsOf(b, shifted, changed);
      dst.write(b, shifted.result);
      if (kind === "rotate" || changed !== undefined) return b.flags(recipe);
      b.flags({
        ...recipe,
        again: {
          key: `${mnemonic}${w} in ${mode}`,
          from: [x, count],
          make: (b, [x, count]) => flagsOf(b, compute(b, x, count)),
        },
      });
    },
    examples,
  };
}

/** AF in AUX's place as an 80286 leaves it: SHL as the last addition of the operand to itself, SHR and SAR set. */
function adjustOf<V extends Value>(b: Ops<V>, mnemonic: string, result: V): V {
  if (mnemonic !== "shl") return b.constant(64, 8);
  return b.and(b.shr(b.zext(result, 64), b.constant(64, 1)), b.constant(64, 8));
}

/** All but the last step of a shift: count - 1, kept in range where count is 0. */
function before<V extends Value>(b: Ops<V>, count: V): V {
  const w = count.width;
  return b.and(b.sub(count, b.constant(w, 1)), b.constant(w, w === 64 ? 63 : 31));
}

/** AUX where CF is bit 0 of `last` and OF is bit 62 of `overflow`, 64 bits with no other bit set. */
function lowCarry<V extends Value>(b: Ops<V>, last: V, overflow?: V): V {
  const cf = b.shl(b.zext(last, 64), b.constant(64, 63));
  const both = b.or(cf, b.shr(cf, b.constant(64, 1)));
  return overflow === undefined ? both : b.xor(both, overflow);
}

/** SHL: CF is the last bit shifted out, OF the new sign xor CF. */
export const shl = define("shl", 4, "shift", (b, x, count) => {
  // The top two bits of the value before the last step are CF and the new sign.
  return { result: b.shl(x, count), aux: topBits(b, b.shl(x, before(b, count))) };
}, [
  "c1 e0 04 | shl eax, 4 | eax=18000001 => eax=80000010 cf=1 sf=1 zf=0 pf=0",
  "d1 e0 | shl eax, 1 | eax=40000000 => eax=80000000 cf=0 of=1 sf=1",
  "d1 e0 | shl eax, 1 | eax=c0000000 => eax=80000000 cf=1 of=0 sf=1",
  "d3 e0 | shl eax, cl | eax=1 ecx=20 cf=1 zf=1 => eax=1 cf=1 zf=1",
  "d3 e0 | shl eax, cl | eax=3 ecx=1f => eax=80000000 cf=1",
  "d2 e0 | shl al, cl | eax=1 ecx=8 => eax=0 cf=1 zf=1",
  "c1 e0 00 | shl eax, 0 | eax=1 cf=1 zf=1 => eax=1 cf=1 zf=1",
  "c1 e0 20 | shl eax, 0x20 | rax=ffffffff00000001 cf=1 => rax=1 cf=1 | 64",
  "48 c1 e0 20 | shl rax, 0x20 | rax=1 => rax=100000000 cf=0 | 64",
], ["sal"]);

/** SHR: CF is the last bit shifted out, OF (count 1) the old sign. */
export const shr = define("shr", 5, "shift", (b, x, count) => {
  const last = b.shr(x, before(b, count)), w = x.width;
  const sign = b.and(b.zext(last, 64), b.constant(64, 1n << BigInt(w - 1)));
  const overflow = w === 64 ? b.shr(sign, b.constant(64, 1)) : b.shl(sign, b.constant(64, 63 - w));
  return { result: b.shr(x, count), aux: lowCarry(b, last, overflow) };
}, [
  "d1 e8 | shr eax, 1 | eax=80000001 => eax=40000000 cf=1 of=1",
  "c1 e8 1f | shr eax, 0x1f | eax=c0000000 => eax=1 cf=1 zf=0",
  "d3 e8 | shr eax, cl | eax=5 ecx=0 cf=1 of=1 => eax=5 cf=1 of=1",
  "48 d1 e8 | shr rax, 1 | rax=8000000000000000 => rax=4000000000000000 cf=0 of=1 | 64",
]);

/** SAR: CF is the last bit shifted out, OF 0. */
export const sar = define("sar", 7, "shift", (b, x, count) => {
  return { result: b.sar(x, count), aux: lowCarry(b, b.sar(x, before(b, count))) };
}, [
  "c1 f8 04 | sar eax, 4 | eax=80000008 => eax=f8000000 cf=1 of=0 sf=1",
  "d0 f8 | sar al, 1 | eax=81 => eax=c0 cf=1 of=0",
]);

/** `x` rotated left; widths 8 and 16 have no rotate of their own. */
function rotatedLeft<V extends Value>(b: Ops<V>, x: V, count: V): V {
  const w = x.width;
  if (w >= 32) return b.rotl(x, count);
  const n = b.and(count, b.constant(w, w - 1));
  return b.or(b.shl(x, n), b.shr(x, b.sub(b.constant(w, w), n)));
}

/** ROL: CF is bit 0 of the result, OF its sign xor CF; the others stay. */
export const rol = define("rol", 0, "rotate", (b, x, count) => {
  const result = rotatedLeft(b, x, count);
  const cf = b.shl(b.zext(result, 64), b.constant(64, 63));
  const sign = b.and(b.shr(topBits(b, result), b.constant(64, 1)), b.constant(64, 1n << 62n));
  return { result, aux: b.or(cf, sign) };
}, [
  "c1 c0 08 | rol eax, 8 | eax=12345678 zf=1 => eax=34567812 cf=0 zf=1",
  "d0 c0 | rol al, 1 | eax=81 => eax=3 cf=1 of=1",
  "66 c1 c0 04 | rol ax, 4 | eax=1234 => eax=2341 cf=1",
]);

/** ROR: CF is the sign of the result, OF the xor of its top two bits; the others stay. */
export const ror = define("ror", 1, "rotate", (b, x, count) => {
  const w = x.width;
  const result = w >= 32
    ? b.rotr(x, count)
    : rotatedLeft(b, x, b.sub(b.constant(w, w), b.and(count, b.constant(w, w - 1))));
  return { result, aux: topBits(b, result) };
}, [
  "c1 c8 08 | ror eax, 8 | eax=12345678 sf=1 => eax=78123456 cf=0 of=1 sf=1",
  "d2 c8 | ror al, cl | eax=1 ecx=1 => eax=80 cf=1 of=1",
  "d2 c8 | ror al, cl | eax=81 ecx=8 => eax=81 cf=1",
]);

/** CF and the operand as one number of width + 1 bits is rotated by the count modulo that: 8 and 16 bits. */
function throughCarryNarrow<V extends Value>(b: Ops<V>, x: V, count: V, left: boolean): { result: V; cf: V } {
  const w = x.width as 8 | 16,
    all = b.constant(32, w + 1),
    cf = b.shl(b.zext(carry(b), 32), b.constant(32, w));
  const full = b.or(b.zext(x, 32), cf), n = b.remu(b.zext(count, 32), all), rest = b.sub(all, n);
  const [up, down] = left ? [n, rest] : [rest, n];
  const rotated = b.or(b.shl(full, up), b.shr(full, down));
  return { result: b.trunc(rotated, w), cf: b.trunc(b.shr(rotated, b.constant(32, w)), 1) };
}

/** The same for 32 and 64 bits, whose count is below the width: what has passed through CF comes in behind it. */
function throughCarryWide<V extends Value>(b: Ops<V>, x: V, count: V, left: boolean): { result: V; cf: V } {
  const w = x.width, one = b.constant(w, 1), top = b.constant(w, w - 1);
  const old = b.zext(carry(b), w), rest = b.sub(top, count), last = before(b, count);
  // Shifts by up to the width and one more are made in steps: by the width nothing is left.
  const [out, moved, back, flag] = left
    ? [b.shr(x, b.and(b.add(rest, one), top)), b.shl(x, count), b.shr(b.shr(b.shr(x, one), rest), one), last]
    : [b.shr(x, last), b.shr(x, count), b.shl(b.shl(b.shl(x, one), rest), one), b.and(b.add(rest, one), top)];
  const turned = b.or(b.or(moved, back), b.shl(old, flag)), none = b.eq(count, b.constant(w, 0));
  return { result: b.select(none, x, turned), cf: b.trunc(b.select(none, old, out), 1) };
}

function throughCarry(mnemonic: string, digit: number, left: boolean, examples: string[]): Definition {
  return define(mnemonic, digit, "rotate", (b, x, count) => {
    const { result, cf } = (x.width < 32 ? throughCarryNarrow : throughCarryWide)(b, x, count, left);
    const sign = (v: typeof x) => b.lts(v, b.constant(x.width, 0));
    // OF (count 1): RCL the new sign xor CF, RCR the top two bits of the result.
    const other = left ? cf : sign(b.shl(result, b.constant(x.width, 1)));
    const overflow = b.xor(sign(result), other);
    const bit = (v: typeof x, n: number) => b.shl(b.zext(v, 64), b.constant(64, n));
    return { result, aux: b.or(bit(cf, 63), bit(b.xor(cf, overflow), 62)) };
  }, examples);
}

/** RCL: rotates CF and DEST left; OF (count 1) is the new sign xor CF. */
export const rcl = throughCarry("rcl", 2, true, [
  "d1 d0 | rcl eax, 1 | eax=80000000 cf=0 => eax=0 cf=1 of=1",
  "c1 d0 04 | rcl eax, 4 | eax=12345678 cf=1 => eax=23456788 cf=1",
  "d2 d0 | rcl al, cl | eax=81 ecx=9 cf=1 => eax=81 cf=1",
  "d3 d0 | rcl eax, cl | eax=5 ecx=0 cf=1 of=1 => eax=5 cf=1 of=1",
  "48 c1 d0 3f | rcl rax, 0x3f | rax=8000000000000005 cf=1 => rax=e000000000000001 cf=0 | 64",
]);

/** RCR: rotates CF and DEST right; OF (count 1) is the xor of the result's top two bits. */
export const rcr = throughCarry("rcr", 3, false, [
  "d1 d8 | rcr eax, 1 | eax=1 cf=0 => eax=0 cf=1 of=0",
  "d1 d8 | rcr eax, 1 | eax=0 cf=1 => eax=80000000 cf=0 of=1",
  "c1 d8 04 | rcr eax, 4 | eax=12345678 cf=1 => eax=11234567 cf=1",
  "66 c1 d8 11 | rcr ax, 0x11 | eax=1234 cf=1 => eax=1234 cf=1",
]);
