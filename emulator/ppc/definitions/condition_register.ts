/** Condition register instructions (Power ISA 2.07B Book I 2.5 and 3.3.17). */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, type FieldReader, ppc } from "../definition.ts";
import type { Operands } from "../operands.ts";
import { crField } from "../state.ts";

/** CR[BT] <- f(CR[BA], CR[BB]). */
function bits(f: <V extends Value>(b: Ops<V>, x: V, y: V) => V) {
  return <V extends Value>(b: Ops<V>, { BT, BA, BB }: Operands<V>): void =>
    BT.write(b, f(b, BA.read(b), BB.read(b)));
}

/** Condition Register AND. */
export const crand = ppc("crand", {
  pattern: "XL-form: 19 BT BA BB 257 /1",
  syntax: "BT, BA, BB",
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.and(x, y)),
  examples: ["4c403a02 | crand eq, lt, 4*cr1+so | cr0=8 cr1=1 => cr0=a"],
});

/** Condition Register AND with Complement. */
export const crandc = ppc("crandc", {
  pattern: "XL-form: 19 BT BA BB 129 /1",
  syntax: "BT, BA, BB",
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.and(x, b.not(y))),
  examples: ["4c401902 | crandc eq, lt, so | cr0=8 => cr0=a"],
});

/** Condition Register Equivalent. */
export const creqv = ppc("creqv", {
  pattern: "XL-form: 19 BT BA BB 289 /1",
  syntax: "BT, BA, BB",
  aliases: ["crset BT | BA=BT BB=BT"],
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.not(b.xor(x, y))),
  examples: ["4c201242 | creqv gt, lt, eq | cr0=a => cr0=e", "4f5ad242 | crset 4*cr6+eq | cr6=0 => cr6=2"],
});

/** Condition Register NAND. */
export const crnand = ppc("crnand", {
  pattern: "XL-form: 19 BT BA BB 225 /1",
  syntax: "BT, BA, BB",
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.not(b.and(x, y))),
  examples: ["4c6009c2 | crnand so, lt, gt | cr0=d => cr0=c"],
});

/** Condition Register NOR. */
export const crnor = ppc("crnor", {
  pattern: "XL-form: 19 BT BA BB 33 /1",
  syntax: "BT, BA, BB",
  aliases: ["crnot BT, BA | BB=BA"],
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.not(b.or(x, y))),
  examples: ["4c600842 | crnor so, lt, gt | cr0=2 => cr0=3", "4c421042 | crnot eq, eq | cr0=2 => cr0=0"],
});

/** Condition Register OR. */
export const cror = ppc("cror", {
  pattern: "XL-form: 19 BT BA BB 449 /1",
  syntax: "BT, BA, BB",
  aliases: ["crmove BT, BA | BB=BA"],
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.or(x, y)),
  examples: [
    "4c400b82 | cror eq, lt, gt | cr0=4 => cr0=6",
    "4f831b82 | crmove 4*cr7+lt, so | cr0=1 cr7=0 => cr7=8",
  ],
});

/** Condition Register OR with Complement. */
export const crorc = ppc("crorc", {
  pattern: "XL-form: 19 BT BA BB 417 /1",
  syntax: "BT, BA, BB",
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.or(x, b.not(y))),
  examples: ["4c400b42 | crorc eq, lt, gt | cr0=0 => cr0=2"],
});

/** Condition Register XOR. */
export const crxor = ppc("crxor", {
  pattern: "XL-form: 19 BT BA BB 193 /1",
  syntax: "BT, BA, BB",
  aliases: ["crclr BT | BA=BT BB=BT"],
  cycleClass: "cr",
  semantics: bits((b, x, y) => b.xor(x, y)),
  examples: ["4c400982 | crxor eq, lt, gt | cr0=8 => cr0=a", "4cc63182 | crclr 4*cr1+eq | cr1=f => cr1=d"],
});

/** Move Condition Register Field. CR field BF <- CR field BFA. */
export const mcrf = ppc("mcrf", {
  pattern: "XL-form: 19 BF /2 BFA /2 /5 0 /1",
  syntax: "BF, BFA",
  cycleClass: "cr",
  semantics(b, { BF, BFA }) {
    BF.write(b, BFA.read(b));
  },
  examples: ["4c9c0000 | mcrf cr1, cr7 | cr7=9 => cr1=9"],
});

/** All eight fields as 32 bits. */
function wholeCr<V extends Value>(b: Ops<V>): V {
  let value = b.read(crField(0), 32);
  for (let field = 1; field < 8; field++) {
    value = b.or(b.shl(value, b.constant(32, 4)), b.read(crField(field), 32));
  }
  return value;
}

/** Move From Condition Register. RT <- 0 || CR. */
export const mfcr = ppc("mfcr", {
  pattern: "XFX-form: 31 RT 0:1 /9 19 /1",
  syntax: "RT",
  cycleClass: "cr",
  semantics(b, { RT }) {
    RT.write(b, wholeCr(b));
  },
  examples: ["7c600026 | mfcr r3 | cr0=8 cr1=4 cr7=f => r3=8400000f"],
});

/** Each field that FXM names from the word's matching four bits; the other fields keep theirs. */
function moveToFields<V extends Value>(b: Ops<V>, { RS, FXM }: Operands<V>): void {
  const word = RS.word(b), mask = FXM.word(b);
  const fields = Array.from({ length: 8 }, (_, field) => {
    const bits = b.and(b.shr(word, b.constant(32, 28 - 4 * field)), b.constant(32, 15));
    const chosen = b.ne(b.and(mask, b.constant(32, 0x80 >> field)), b.constant(32, 0));
    return b.select(chosen, bits, b.read(crField(field), 32));
  });
  b.flags({ writes: fields.map((value, field) => [crField(field), value] as const) });
}

/** Move To Condition Register Fields. CR fields that FXM names <- (RS)32:63. */
export const mtcrf = ppc("mtcrf", {
  pattern: "XFX-form: 31 RS 0:1 FXM /1 144 /1",
  syntax: "FXM, RS",
  aliases: ["mtcr RS | FXM=255"],
  cycleClass: "cr",
  semantics: moveToFields,
  examples: [
    "7c681120 | mtcrf 0x81, r3 | r3=12345678 cr0=f cr1=f => cr0=1 cr1=f cr7=8",
    "7c6ff120 | mtcr r3 | r3=12345678 => cr0=1 cr1=2 cr2=3 cr3=4 cr4=5 cr5=6 cr6=7 cr7=8",
  ],
});

/** The one-field instructions want exactly one bit in FXM; the manual leaves the rest undefined. */
function oneField(field: FieldReader): string | undefined {
  const mask = field("FXM");
  return mask !== 0 && (mask & mask - 1) === 0 ? undefined : "FXM must name exactly one field";
}

/** Move From One Condition Register Field. RT holds that field in its place; the rest is undefined, 0 here. */
export const mfocrf = ppc("mfocrf", {
  pattern: "XFX-form: 31 RT 1:1 FXM /1 19 /1",
  syntax: "RT, FXM",
  only: 64,
  invalid: oneField,
  cycleClass: "cr",
  semantics(b, { RT, FXM }) {
    let kept = b.constant(32, 0);
    const mask = FXM.word(b);
    for (let field = 0; field < 8; field++) {
      const bits = b.shl(b.read(crField(field), 32), b.constant(32, 28 - 4 * field));
      const chosen = b.ne(b.and(mask, b.constant(32, 0x80 >> field)), b.constant(32, 0));
      kept = b.or(kept, b.select(chosen, bits, b.constant(32, 0)));
    }
    RT.write(b, kept);
  },
  examples: [
    "7c701026 | mfocrf r3, 1 | cr0=8 cr7=5 => r3=5",
    "7c780026 | mfocrf r3, 0x80 | cr0=8 cr7=5 => r3=80000000",
  ],
});

/** Move To One Condition Register Field. */
export const mtocrf = ppc("mtocrf", {
  pattern: "XFX-form: 31 RS 1:1 FXM /1 144 /1",
  syntax: "FXM, RS",
  only: 64,
  invalid: oneField,
  cycleClass: "cr",
  semantics: moveToFields,
  examples: ["7c740120 | mtocrf 0x40, r3 | r3=12345678 cr0=f => cr0=f cr1=2"],
});

export const CONDITION_REGISTER: readonly Definition[] = [
  ...[crand, crandc, creqv, crnand, crnor, cror, crorc, crxor, mcrf, mfcr, mtcrf, mfocrf, mtocrf],
];
