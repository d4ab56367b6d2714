/** Comparisons (Power ISA 2.07B Book I 3.3.10). */
import type { Ops, Value } from "../../ir/ops.ts";
import { compareRecipe, compareValue, type Comparison, FUSED_FIELDS } from "../condition.ts";
import { type Definition, type FieldReader, ppc, type Variant } from "../definition.ts";
import type { Operands } from "../operands.ts";
import type { PpcMode } from "../state.ts";

/** A form per size and per field that fuses, e.g. `"w cr0"`; the other fields share one, e.g. `"w cr"`. */
const KINDS = {
  names: (mode: PpcMode) =>
    (mode === 64 ? ["w", "d"] : ["w"]).flatMap((size) => [
      ...FUSED_FIELDS.map((field) => `${size} cr${field}`),
      `${size} cr`,
    ]),
  of: (field: FieldReader) =>
    `${field("L") ? "d" : "w"} cr${FUSED_FIELDS.includes(field("BF")) ? field("BF") : ""}`,
};

/** L=1 compares doublewords, which a 32-bit implementation has not. */
function invalid(field: FieldReader, mode: PpcMode): string | undefined {
  return field("L") && mode === 32 ? "L=1 (a comparison of doublewords) needs mode 64" : undefined;
}

/** `a` and `b` of L=0 are the low words, of L=1 all of the registers. */
function compare(signed: boolean, right: "RB" | "SI" | "UI") {
  return <V extends Value>(b: Ops<V>, operands: Operands<V>, { kind }: Variant): void => {
    const { RA, BF } = operands, x = RA.read(b), y = operands[right].read(b);
    const field = kind.slice("w cr".length),
      how: Comparison = { size: kind.startsWith("w") ? 32 : 64, signed };
    if (field === "") BF.write(b, compareValue(b, x, y, how));
    else b.flags(compareRecipe(b, +field, x, y, how));
  };
}

/** Compare Immediate. a <- L ? (RA) : EXTS((RA)32:63); CR field BF <- a <, >, = EXTS(SI), signed, || SO. */
export const cmpi = ppc("cmpi", {
  pattern: "D-form: 11 BF /1 L RA SI",
  syntax: "BF, L, RA, SI",
  aliases: [
    "cmpwi RA, SI | BF=0 L=0",
    "cmpwi BF, RA, SI | L=0",
    "cmpdi RA, SI | BF=0 L=1",
    "cmpdi BF, RA, SI | L=1",
  ],
  kinds: KINDS,
  invalid,
  cycleClass: "alu",
  semantics: compare(true, "SI"),
  examples: [
    "2c03ffff | cmpwi r3, -1 | r3=ffffffff => cr0=2",
    "2e830001 | cmpwi cr5, r3, 1 | r3=ffffffff so=1 => cr5=9",
    "2c23ffff | cmpdi r3, -1 | r3=ffffffff => cr0=4 | 64",
    "2f830005 | cmpwi cr7, r3, 5 | r3=6 => cr7=4",
  ],
});

/** Compare. As cmpi with (RB). */
export const cmp = ppc("cmp", {
  pattern: "X-form: 31 BF /1 L RA RB 0 /1",
  syntax: "BF, L, RA, RB",
  aliases: [
    "cmpw RA, RB | BF=0 L=0",
    "cmpw BF, RA, RB | L=0",
    "cmpd RA, RB | BF=0 L=1",
    "cmpd BF, RA, RB | L=1",
  ],
  kinds: KINDS,
  invalid,
  cycleClass: "alu",
  semantics: compare(true, "RB"),
  examples: [
    "7c032000 | cmpw r3, r4 | r3=80000000 r4=1 => cr0=8",
    "7da32000 | cmpd cr3, r3, r4 | r3=80000000 r4=1 => cr3=4 | 64",
  ],
});

/** Compare Logical Immediate. a <- L ? (RA) : 0 || (RA)32:63; CR field BF <- a <, >, = 0 || UI, unsigned. */
export const cmpli = ppc("cmpli", {
  pattern: "D-form: 10 BF /1 L RA UI",
  syntax: "BF, L, RA, UI",
  aliases: [
    "cmplwi RA, UI | BF=0 L=0",
    "cmplwi BF, RA, UI | L=0",
    "cmpldi RA, UI | BF=0 L=1",
    "cmpldi BF, RA, UI | L=1",
  ],
  kinds: KINDS,
  invalid,
  cycleClass: "alu",
  semantics: compare(false, "UI"),
  examples: [
    "2803ffff | cmplwi r3, 0xffff | r3=80000000 => cr0=4",
    "28a30005 | cmpldi cr1, r3, 5 | r3=4 => cr1=8 | 64",
  ],
});

/** Compare Logical. As cmpli with (RB). */
export const cmpl = ppc("cmpl", {
  pattern: "X-form: 31 BF /1 L RA RB 32 /1",
  syntax: "BF, L, RA, RB",
  aliases: [
    "cmplw RA, RB | BF=0 L=0",
    "cmplw BF, RA, RB | L=0",
    "cmpld RA, RB | BF=0 L=1",
    "cmpld BF, RA, RB | L=1",
  ],
  kinds: KINDS,
  invalid,
  cycleClass: "alu",
  semantics: compare(false, "RB"),
  examples: [
    "7f832040 | cmplw cr7, r3, r4 | r3=80000000 r4=1 => cr7=4",
    "7c232040 | cmpld r3, r4 | r3=1 r4=100000000 => cr0=8 | 64",
  ],
});

export const COMPARE: readonly Definition[] = [cmpi, cmp, cmpli, cmpl];
