/** The record that an instruction is defined by, and the forms that it expands to. */
import type { ByteOrder, Ops, Value } from "../ir/ops.ts";
import type { Form } from "../isa/isa.ts";
import { type FieldName, getField, parsePattern, type Pattern } from "./fields.ts";
import { layOut, type OperandLayout, type OperandName, type Operands } from "./operands.ts";
import type { PpcMode } from "./state.ts";

/** What is fixed while one form's meaning is built. */
export interface Variant {
  readonly mode: PpcMode;
  /** Order of bytes in memory. */
  readonly order: ByteOrder;
  /** Record the result in CR field 0, or the floating-point exceptions in CR field 1. */
  readonly Rc: boolean;
  /** Record overflow in XER. */
  readonly OE: boolean;
  /** Set the link register. */
  readonly LK: boolean;
  /** Which of the record's `kinds`, or `""`. */
  readonly kind: string;
}

/** Reads a field of the instruction at hand. */
export type FieldReader = (name: FieldName) => number;

/** What one instruction is. Everything else (decoder, texts, forms, tests) is made from it. */
export interface InstructionRecord {
  /** The manual's figure, see `parsePattern`. */
  readonly pattern: string;
  /** Operands as they are written, e.g. `"RT, D(RA0)"`. */
  readonly syntax: string;
  /** Key into a cost profile's instruction costs. */
  readonly cycleClass: string;
  /** The only mode that has it; otherwise both do. */
  readonly only?: PpcMode;
  /** Operands made from fields besides the pattern's own. */
  readonly also?: readonly OperandName[];
  /** Operands in place of all that the pattern's fields and `also` give. */
  readonly operands?: readonly OperandName[];
  /**
   * Definitions of one `form` have one meaning between them and share its forms: they have the same operands
   * and differ in the number that they see as `operation`.
   */
  readonly shares?: { readonly form: string; readonly operation: number };
  /** Divides the record into more forms than Rc, OE and LK do. */
  readonly kinds?: {
    readonly names: (mode: PpcMode, LK: boolean) => readonly string[];
    readonly of: (field: FieldReader, mode: PpcMode) => string;
  };
  /** Why these bits are an invalid form, or undefined. */
  readonly invalid?: (field: FieldReader, mode: PpcMode) => string | undefined;
  readonly endsBlock?: boolean;
  /** Simplified mnemonics, printed and accepted: `"li RT, SI | RA0=0"`; the first that fits is printed. */
  readonly aliases?: readonly string[];
  /** Simplified mnemonics that are only accepted. */
  readonly accepts?: readonly string[];
  /** Printed and accepted by `branch_syntax.ts` instead of by `syntax`. */
  readonly branch?: "" | "lr" | "ctr";
  semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant): void;
  /** `"word | text | before => after [| mode]"`, numbers in hexadecimal; see the examples test. */
  readonly examples: readonly string[];
}

/** A record with its pattern read. */
export interface Definition extends InstructionRecord {
  readonly mnemonic: string;
  readonly bits: Pattern;
  readonly layout: OperandLayout;
}

/** Defines an instruction. Throws `TypeError` for a pattern that is not 32 bits. */
export function ppc(mnemonic: string, record: InstructionRecord): Definition {
  const bits = parsePattern(record.pattern);
  const { operands, also = [] } = record;
  return { ...record, mnemonic, bits, layout: operands ? layOut([], operands) : layOut(bits.fields, also) };
}

/** The mnemonic with the suffixes of its variant: `addo.`, `bl`. */
export function variantMnemonic(definition: Definition, flags: Pick<Variant, "Rc" | "OE" | "LK">): string {
  return definition.mnemonic + (flags.OE ? "o" : "") + (flags.LK ? "l" : "") + (flags.Rc ? "." : "");
}

/** The variants of one definition and where a word belongs among them. */
export interface Expansion {
  readonly forms: readonly Form[];
  /** The form of a word that fits the definition. */
  formOf(word: number): Form;
}

/**
 * Expands a definition for one mode into its forms: Rc x OE x LK x kinds. `shared` holds the forms made so far
 * that definitions share, and takes up new ones.
 */
export function expand(
  definition: Definition,
  mode: PpcMode,
  order: ByteOrder = "be",
  shared: Map<string, Form> = new Map(),
): Expansion {
  const { bits, layout, kinds } = definition;
  const flag = (name: "Rc" | "OE" | "LK") => bits.fields.includes(name) ? [false, true] : [false];
  const forms = new Map<string, Form>();
  const keyOf = (Rc: boolean, OE: boolean, LK: boolean, kind: string) => `${+Rc}${+OE}${+LK}${kind}`;
  for (const LK of flag("LK")) {
    for (const kind of kinds?.names(mode, LK) ?? [""]) {
      for (const OE of flag("OE")) {
        for (const Rc of flag("Rc")) {
          const variant: Variant = { mode, order, Rc, OE, LK, kind };
          const mnemonic = definition.shares?.form ?? definition.mnemonic;
          const name = variantMnemonic({ ...definition, mnemonic }, variant) + (kind && ` ${kind}`);
          const known = definition.shares && shared.get(name);
          const form: Form = known ?? {
            name,
            fields: layout.kinds,
            endsBlock: definition.endsBlock ?? false,
            cycleClass: definition.cycleClass,
            semantics: (b, f) => definition.semantics(b, layout.bind(f, mode), variant),
          };
          if (definition.shares) shared.set(name, form);
          forms.set(keyOf(Rc, OE, LK, kind), form);
        }
      }
    }
  }
  const has = (word: number, name: "Rc" | "OE" | "LK") =>
    bits.fields.includes(name) && getField(word, name) === 1;
  return {
    forms: [...forms.values()],
    formOf(word) {
      const kind = kinds ? kinds.of((name) => getField(word, name), mode) : "";
      const form = forms.get(keyOf(has(word, "Rc"), has(word, "OE"), has(word, "LK"), kind));
      if (!form) throw new TypeError(`${definition.mnemonic} has no kind "${kind}"`);
      return form;
    },
  };
}
