/** Instructions on the floating-point status and control register (Power ISA 2.07B Book I 4.6.10). */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, ppc, type Variant } from "../definition.ts";
import { EXCEPTIONS, FPSCR, WRITABLE } from "../float/fpscr.ts";
import { needFloat, raiseEnabled, recordStatus, summed } from "../float_access.ts";
import type { Immediate } from "../operands.ts";
import { SLOT } from "../state.ts";

/** FPSCR <- f(FPSCR), with VX and FEX as its sums; CR1 if Rc=1. */
function change<V extends Value>(b: Ops<V>, { Rc }: Pick<Variant, "Rc">, f: (fpscr: V) => V): void {
  needFloat(b);
  b.write(SLOT.fpscr, summed(b, f(b.read(SLOT.fpscr, 32))));
  if (Rc) recordStatus(b);
  raiseEnabled(b);
}

/** The bits of `mask` from `value`, the others as they are; VX and FEX are never copied. */
function merged<V extends Value>(b: Ops<V>, fpscr: V, value: V, mask: V): V {
  const chosen = b.and(mask, b.constant(32, WRITABLE));
  return b.or(b.and(fpscr, b.not(chosen)), b.and(value, chosen));
}

/** Move From FPSCR. FRT <- 0 || FPSCR. */
export const mffs = ppc("mffs", {
  pattern: "X-form: 63 FRT /5 /5 583 Rc",
  syntax: "FRT",
  cycleClass: "float",
  semantics(b, { FRT }, { Rc }) {
    needFloat(b);
    FRT.write(b, b.zext(b.read(SLOT.fpscr, 32), 64));
    if (Rc) recordStatus(b);
  },
  examples: ["fc60048e | mffs f3 | fpscr=82024000 => f3=82024000"],
});

/** Move to Condition Register from FPSCR. CR field BF <- FPSCR field BFA, whose exception bits are then 0. */
export const mcrfs = ppc("mcrfs", {
  pattern: "X-form: 63 BF /2 BFA /2 /5 64 /1",
  syntax: "BF, BFA",
  operands: ["BF", "statusSource"],
  cycleClass: "float",
  semantics(b, { BF, statusSource }) {
    needFloat(b);
    const at = statusSource.word(b), fpscr = b.read(SLOT.fpscr, 32);
    const field = b.shl(b.constant(32, 15), at),
      cleared = b.and(field, b.constant(32, EXCEPTIONS | FPSCR.FX));
    b.write(SLOT.fpscr, summed(b, b.and(fpscr, b.not(cleared))));
    BF.write(b, b.and(b.shr(fpscr, at), b.constant(32, 15)));
  },
  examples: [
    "fc800080 | mcrfs cr1, cr0 | fpscr=b1000000 => cr1=b fpscr=21000000",
    "fc840080 | mcrfs cr1, cr1 | fpscr=a1800000 => cr1=1 fpscr=a0800000",
    "fc940080 | mcrfs cr1, cr5 | fpscr=a0000300 => cr1=3 fpscr=80000000",
    "fc8c0080 | mcrfs cr1, cr3 | fpscr=a0086000 => cr1=8 fpscr=80006000",
  ],
});

/** L and W choose the upper half of the FPSCR, which holds the rounding mode of decimal numbers alone. */
const DECIMAL = "the decimal rounding mode (L=1 or W=1) is not implemented";

/** Move To FPSCR Fields. The fields that FLM names <- (FRB)32:63. */
export const mtfsf = ppc("mtfsf", {
  pattern: "XFL-form: 63 L6 FLM W15 FRB 711:10 Rc",
  syntax: "FLM, FRB, L6, W15",
  aliases: ["mtfsf FLM, FRB | L6=0 W15=0"],
  operands: ["FLM", "FRB"],
  invalid: (field) => field("L6") || field("W15") ? DECIMAL : undefined,
  cycleClass: "float",
  semantics(b, { FLM, FRB }, variant) {
    const value = b.trunc(FRB.read(b), 32);
    change(b, variant, (fpscr) => merged(b, fpscr, value, FLM.word(b)));
  },
  examples: [
    "fdfe2d8e | mtfsf 0xff, f5 | f5=ffffffffe1000883 => fpscr=e1000083",
    "fc022d8e | mtfsf 1, f5 | f5=f fpscr=82024000 => fpscr=c202400f",
    "fdfe2d8f | mtfsf. 0xff, f5 | f5=90000000 => fpscr=90000000 cr1=9",
  ],
});

/** Move To FPSCR Field Immediate. FPSCR field BF <- U. */
export const mtfsfi = ppc("mtfsfi", {
  pattern: "X-form: 63 BF /6 W15 U /1 134 Rc",
  syntax: "BF, U, W15",
  aliases: ["mtfsfi BF, U | W15=0"],
  operands: ["statusField", "U"],
  invalid: (field) => field("W15") ? DECIMAL : undefined,
  cycleClass: "float",
  semantics(b, { statusField, U }, variant) {
    // U in every field: the mask chooses one.
    const value = b.mul(U.word(b), b.constant(32, 0x1111_1111));
    change(b, variant, (fpscr) => merged(b, fpscr, value, statusField.word(b)));
  },
  examples: [
    "ff80310c | mtfsfi cr7, 3 | fpscr=82000000 => fpscr=82000003",
    "fc00f10c | mtfsfi cr0, 0xf | => fpscr=90000000",
  ],
});

function oneBit<V extends Value>(b: Ops<V>, BTF: Immediate<V>): V {
  const bit = b.shl(b.constant(32, 1), b.sub(b.constant(32, 31), BTF.word(b)));
  return b.and(bit, b.constant(32, WRITABLE));
}

/** Move To FPSCR Bit 0. FPSCR bit BT <- 0; VX and FEX cannot be chosen. */
export const mtfsb0 = ppc("mtfsb0", {
  pattern: "X-form: 63 BTF /5 /5 70 Rc",
  syntax: "BTF",
  operands: ["BTF"],
  cycleClass: "float",
  semantics(b, { BTF }, variant) {
    change(b, variant, (fpscr) => b.and(fpscr, b.not(oneBit(b, BTF))));
  },
  examples: [
    "ffe0008c | mtfsb0 0x1f | fpscr=3 => fpscr=2",
    "fcc0008c | mtfsb0 6 | fpscr=82000008 => fpscr=80000008",
  ],
});

/** Move To FPSCR Bit 1. FPSCR bit BT <- 1; FX as well if it is an exception's that was 0. */
export const mtfsb1 = ppc("mtfsb1", {
  pattern: "X-form: 63 BTF /5 /5 38 Rc",
  syntax: "BTF",
  operands: ["BTF"],
  cycleClass: "float",
  semantics(b, { BTF }, variant) {
    change(b, variant, (fpscr) => {
      const bit = oneBit(b, BTF), fresh = b.and(b.and(bit, b.constant(32, EXCEPTIONS)), b.not(fpscr));
      const none = b.constant(32, 0);
      return b.or(b.or(fpscr, bit), b.select(b.ne(fresh, none), b.constant(32, FPSCR.FX), none));
    });
  },
  examples: [
    "ffc0004c | mtfsb1 0x1e | => fpscr=2",
    "fce0004d | mtfsb1. 7 | fpscr=80 => fpscr=e1000080 cr1=e",
    "fc40004c | mtfsb1 2 | => fpscr=0",
  ],
});

export const FLOAT_STATUS: readonly Definition[] = [mffs, mcrfs, mtfsf, mtfsfi, mtfsb0, mtfsb1];
