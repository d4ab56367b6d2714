/** Branches (Power ISA 2.07B Book I 2.4). */
import type { Ops, Value } from "../../ir/ops.ts";
import { CR_BITS, FUSED_FIELDS } from "../condition.ts";
import { type Definition, type FieldReader, ppc, type Variant } from "../definition.ts";
import type { CrBit, Operands } from "../operands.ts";
import { CR_BIT, crField, SLOT } from "../state.ts";

/** LK=1: LR <- CIA + 4. Comes after the target has been read. */
function link<V extends Value>(b: Ops<V>, { LK, mode }: Variant): void {
  if (LK) b.write(SLOT.lr, b.trunc(b.nextPc(), mode));
}

/** (LR) or (CTR) as a target: the two low bits are taken as 0. */
function registerTarget<V extends Value>(b: Ops<V>, slot: number, { mode }: Variant): V {
  return b.zext(b.and(b.read(slot, mode), b.constant(mode, -4)), 64);
}

/** Branch. NIA <- (AA ? 0 : CIA) + EXTS(LI || 0b00). */
export const branch = ppc("b", {
  pattern: "I-form: 18 LI AA LK",
  syntax: "LI",
  cycleClass: "branch",
  endsBlock: true,
  semantics(b, { LI }, variant) {
    link(b, variant);
    b.branch(LI.address(b));
  },
  examples: [
    "48000010 | b 0x1010 | pc=1000 => pc=1010",
    "4bfffff1 | bl 0xff0 | pc=1000 => pc=ff0 lr=1004",
    "48000802 | ba 0x800 | pc=1000 => pc=800",
    "4bffffff | bla 0xfffffffc | pc=1000 => pc=fffffffc lr=1004 | 32",
  ],
});

/**
 * What BO asks for, as a form's kind: the counter's part (`dnz`: decrement and go if it is not 0, `dz`:
 * if it is), then the condition's (`t` or `f` on bit BI). Book I 2.4.
 */
function kindOf(field: FieldReader): string {
  const bo = field("BO");
  const counter = bo & 4 ? "" : bo & 2 ? "dz" : "dnz";
  const condition = bo & 16 ? "" : bo & 8 ? "t" : "f";
  return [counter, condition].filter(Boolean).join(" ") || "always";
}

const COUNTED = ["dnz", "dnz t", "dnz f", "dz", "dz t", "dz f"];
const UNCOUNTED = ["always", "t", "f"];

/** Conditional branches by the bit, `"t lt"`, so that a comparison may answer. With LK=1, seldom met, there are none. */
const BY_BIT = ["t", "f"].flatMap((sense) => CR_BITS.map((bit) => `${sense} ${bit}`));

/** Those on a field that fuses in the interpreter, `"t lt cr0"`. */
const BY_FIELD = BY_BIT.flatMap((kind) => FUSED_FIELDS.map((field) => `${kind} cr${field}`));

/** As `kindOf`, with the bit spelt out. */
function bitKindOf(field: FieldReader): string {
  const kind = kindOf(field);
  return (kind === "t" || kind === "f") && !field("LK") ? `${kind} ${CR_BITS[field("BI") & 3]}` : kind;
}

/** As `bitKindOf`, with the field if it is one that fuses. */
function fieldKindOf(field: FieldReader): string {
  const kind = bitKindOf(field), number = field("BI") >> 2;
  return BY_BIT.includes(kind) && FUSED_FIELDS.includes(number) ? `${kind} cr${number}` : kind;
}

/** The condition of a kind such as `"t"`, `"t lt"` or `"f eq cr0"`, which may be answered by the last comparison. */
function conditionHolds<V extends Value>(b: Ops<V>, BI: CrBit<V>, kind: string): V {
  const [sense, bit, name] = kind.split(" ") as [string, keyof typeof CR_BIT | undefined, string | undefined];
  const field = name ? crField(+name.slice("cr".length)) : BI.field;
  const holds = bit
    ? b.condition(
      bit,
      () => b.ne(b.and(b.read(field, 32), b.constant(32, CR_BIT[bit])), b.constant(32, 0)),
      field,
    )
    : BI.read(b);
  return sense === "t" ? holds : b.not(holds);
}

/** Counts CTR down if the kind says so and gives whether to branch; undefined means always. */
function taken<V extends Value>(b: Ops<V>, { BI }: Operands<V>, { kind, mode }: Variant): V | undefined {
  const counter = kind.startsWith("d") ? kind.split(" ")[0] : "";
  const condition = counter ? kind.slice(counter.length + 1) : kind;
  const holds = condition === "" || condition === "always" ? undefined : conditionHolds(b, BI, condition);
  if (!counter) return holds;
  const left = b.sub(b.read(SLOT.ctr, mode), b.constant(mode, 1)), zero = b.constant(mode, 0);
  b.write(SLOT.ctr, left);
  const counted = counter === "dz" ? b.eq(left, zero) : b.ne(left, zero);
  return holds ? b.and(counted, holds) : counted;
}

function go<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant, target: V): void {
  const condition = taken(b, operands, variant);
  link(b, variant);
  if (condition) b.branchIf(condition, target);
  else b.branch(target);
}

/**
 * Branch Conditional. If BO2=0, CTR <- CTR - 1; if (BO2 or (CTR = 0) = BO3) and (BO0 or CR[BI] = BO1), NIA <-
 * (AA ? 0 : CIA) + EXTS(BD || 0b00).
 */
export const bc = ppc("bc", {
  pattern: "B-form: 16 BO BI BD AA LK",
  syntax: "BO, BI, BD",
  branch: "",
  kinds: {
    names: (_, LK) => [...COUNTED, ...LK ? UNCOUNTED : ["always", ...BY_BIT, ...BY_FIELD]],
    of: fieldKindOf,
  },
  cycleClass: "branch",
  endsBlock: true,
  semantics(b, operands, variant) {
    go(b, operands, variant, operands.BD.address(b));
  },
  examples: [
    "41820010 | beq 0x1010 | pc=1000 cr0=2 => pc=1010",
    "41820010 | beq 0x1010 | pc=1000 cr0=d => pc=1004",
    "409efff0 | bne cr7, 0xff0 | pc=1000 cr7=d => pc=ff0",
    "408c0011 | bgel cr3, 0x1010 | pc=1000 cr3=4 => pc=1010 lr=1004",
    "41810011 | bgtl 0x1010 | pc=1000 cr0=2 => pc=1004 lr=1004",
    "4200fff0 | bdnz 0xff0 | pc=1000 ctr=2 => pc=ff0 ctr=1",
    "4200fff0 | bdnz 0xff0 | pc=1000 ctr=1 => pc=1004 ctr=0",
    "4240fff0 | bdz 0xff0 | pc=1000 ctr=1 => pc=ff0 ctr=0",
    "4116fff0 | bdnzt 4*cr5+eq, 0xff0 | pc=1000 ctr=0 cr5=2 => pc=ff0 ctr=ffffffff | 32",
    "4002fff0 | bdnzf eq, 0xff0 | pc=1000 ctr=5 cr0=2 => pc=1004 ctr=4",
    "41830010 | bso 0xc | pc=fffffffc cr0=1 => pc=c | 32",
  ],
});

/** Branch Conditional to Link Register. As bc, NIA <- LR0:61 || 0b00. */
export const bclr = ppc("bclr", {
  pattern: "XL-form: 19 BO BI /3 BH 16 LK",
  syntax: "BO, BI, BH",
  accepts: ["bclr BO, BI | BH=0"],
  branch: "lr",
  kinds: { names: (_, LK) => [...COUNTED, ...LK ? UNCOUNTED : ["always", ...BY_BIT]], of: bitKindOf },
  cycleClass: "branch",
  endsBlock: true,
  semantics(b, operands, variant) {
    go(b, operands, variant, registerTarget(b, SLOT.lr, variant));
  },
  examples: [
    "4e800020 | blr | pc=1000 lr=2003 => pc=2000",
    "4e800021 | blrl | pc=1000 lr=2000 => pc=2000 lr=1004",
    "4d820020 | beqlr | pc=1000 lr=2000 cr0=2 => pc=2000",
    "4c860020 | bnelr cr1 | pc=1000 lr=2000 cr1=2 => pc=1004",
    "4e000020 | bdnzlr | pc=1000 lr=2000 ctr=3 => pc=2000 ctr=2",
  ],
});

/** Branch Conditional to Count Register. As bc, NIA <- CTR0:61 || 0b00; BO2=0 is an invalid form. */
export const bcctr = ppc("bcctr", {
  pattern: "XL-form: 19 BO BI /3 BH 528 LK",
  syntax: "BO, BI, BH",
  accepts: ["bcctr BO, BI | BH=0"],
  branch: "ctr",
  kinds: { names: () => UNCOUNTED, of: kindOf },
  invalid: (field) =>
    field("BO") & 4 ? undefined : "BO2=0 (counting CTR down while branching to it) is invalid",
  cycleClass: "branch",
  endsBlock: true,
  semantics(b, operands, variant) {
    go(b, operands, variant, registerTarget(b, SLOT.ctr, variant));
  },
  examples: [
    "4e800420 | bctr | pc=1000 ctr=2000 => pc=2000",
    "4e800421 | bctrl | pc=1000 ctr=2002 => pc=2000 lr=1004",
    "4d880420 | bltctr cr2 | pc=1000 ctr=2000 cr2=8 => pc=2000",
  ],
});

export const BRANCH: readonly Definition[] = [branch, bc, bclr, bcctr];
