/**
 * Divisions. SDM vol. 2A, DIV and IDIV. All flags are undefined; they stay as they are. #DE if the divisor is 0 or
 * the quotient does not fit. The saved address is that of the instruction.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { divideWide } from "../divide_wide.ts";
import { raise, VECTOR } from "../exception.ts";
import { writeRegister } from "../operand.ts";
import type { Definition } from "../record.ts";
import { RAX, RDX } from "../slots.ts";

interface Quotient<V extends Value> {
  readonly quotient: V;
  readonly remainder: V;
  /** Width 1: #DE. */
  readonly bad: V;
}

/** `dividend` is twice as wide as `divisor`, or 32 bits wide, or both are 64 bits wide. */
function divide<V extends Value>(b: Ops<V>, dividend: V, divisor: V, signed: boolean): Quotient<V> {
  const wide = dividend.width, narrow = divisor.width;
  const constant = (value: bigint | number) => b.constant(wide, value);
  const d = signed ? b.sext(divisor, wide) : b.zext(divisor, wide);
  // The minimum divided by -1 has no quotient at all.
  const minimum = constant(1n << BigInt(wide - 1));
  const impossible = b.or(
    b.eq(d, constant(0)),
    signed ? b.and(b.eq(d, constant(-1)), b.eq(dividend, minimum)) : b.constant(1, 0),
  );
  const safe = b.select(impossible, constant(1), d);
  const quotient = signed ? b.divs(dividend, safe) : b.divu(dividend, safe);
  const remainder = signed ? b.rems(dividend, safe) : b.remu(dividend, safe);
  const low = b.trunc(quotient, narrow);
  const overflows = b.ne(signed ? b.sext(low, wide) : b.zext(low, wide), quotient);
  return { quotient: low, remainder: b.trunc(remainder, narrow), bad: b.or(impossible, overflows) };
}

function dividing(mnemonic: string, digit: number, signed: boolean, examples: string[]): Definition {
  return {
    mnemonic,
    encodings: { [`f6 /${digit}`]: "Eb", [`f7 /${digit}`]: "Ev" },
    cycleClass: "div",
    semantics(b, [src], { mode }) {
      const divisor = src.read(b), w = divisor.width;
      const low = b.read(RAX, w === 8 ? 16 : w), high = w === 8 ? low : b.read(RDX, w);
      const finish = ({ quotient, remainder, bad }: Quotient<typeof low>) => {
        b.when(bad, () => raise(b, VECTOR.DE));
        if (w === 8) {
          b.write(RAX, quotient);
          b.write(RAX + 1, remainder);
        } else {
          writeRegister(b, mode, RAX, quotient);
          writeRegister(b, mode, RDX, remainder);
        }
      };
      if (w === 8) return finish(divide(b, extended(b, low, signed), divisor, signed));
      if (w !== 64) return finish(divide(b, joined(b, high, low), divisor, signed));
      // What compilers write has a dividend of 64 bits, extended.
      const isExtended = b.eq(high, signed ? b.sar(low, b.constant(64, 63)) : b.constant(64, 0));
      b.when(isExtended, () => finish(divide(b, low, divisor, signed)));
      b.when(b.not(isExtended), () => finish(divideWide(b, high, low, divisor, signed)));
    },
    examples,
  };
}

function extended<V extends Value>(b: Ops<V>, v: V, signed: boolean): V {
  return signed ? b.sext(v, 32) : b.zext(v, 32);
}

/** `high`:`low` as one value of twice the width. */
function joined<V extends Value>(b: Ops<V>, high: V, low: V): V {
  const wide = low.width === 16 ? 32 : 64;
  return b.or(b.shl(b.zext(high, wide), b.constant(wide, low.width)), b.zext(low, wide));
}

/** DIV: rAX <- rDX:rAX / SRC, rDX <- remainder (AX into AL and AH), unsigned. */
export const div = dividing("div", 6, false, [
  "f7 f3 | div ebx | eax=7 edx=0 ebx=2 => eax=3 edx=1",
  "f7 f3 | div ebx | eax=0 edx=1 ebx=10 => eax=10000000 edx=0",
  "f7 f3 | div ebx | eax=0 edx=2 ebx=2 => trap=exception(0,0)",
  "f7 f3 | div ebx | eax=0 edx=0 ebx=0 => trap=exception(0,0)",
  "f6 f3 | div bl | eax=ff ebx=10 => eax=f0f",
  "66 f7 f3 | div bx | eax=5 edx=1 ebx=100 => eax=100 edx=5",
  "48 f7 f3 | div rbx | rax=5 rdx=1 rbx=8000000000000001 => rax=2 rdx=3 | 64",
  "48 f7 f3 | div rbx | rax=0 rdx=7 rbx=7 => trap=exception(0,0) | 64",
]);

/** IDIV: the same, signed; the quotient is truncated, the remainder has the dividend's sign. */
export const idiv = dividing("idiv", 7, true, [
  "f7 fb | idiv ebx | eax=fffffff9 edx=ffffffff ebx=2 => eax=fffffffd edx=ffffffff",
  "f7 fb | idiv ebx | eax=80000000 edx=ffffffff ebx=ffffffff => trap=exception(0,0)",
  "f7 fb | idiv ebx | eax=0 edx=80000000 ebx=ffffffff => trap=exception(0,0)",
  "f6 fb | idiv bl | eax=fff9 ebx=2 => eax=fffd",
  "f6 fb | idiv bl | eax=ff80 ebx=1 => eax=80",
  "48 f7 fb | idiv rbx | rax=fffffffffffffff9 rdx=ffffffffffffffff rbx=2 => rax=fffffffffffffffd rdx=ffffffffffffffff | 64",
  "48 f7 fb | idiv rbx | rax=0 rdx=8000000000000000 rbx=8000000000000000 => trap=exception(0,0) | 64",
  "48 f7 fb | idiv rbx | rax=0 rdx=c000000000000000 rbx=8000000000000000 => trap=exception(0,0) | 64",
]);
