/**
 * How an instruction is written: the operand texts of a record, and its simplified mnemonics, which are the
 * same text with some fields fixed or computed (Power ISA 2.07B Book I appendix E).
 */
import type { Definition } from "./definition.ts";
import { type FieldName, FIELDS, getField } from "./fields.ts";

/** One operand: a field, a variable of an alias (`n`), or a field and a base register: `D(RA0)`. */
export interface OperandSyntax {
  /** Field or variable name. */
  readonly name: string;
  readonly base?: FieldName;
}

/** A field that an alias determines: the sum of signed terms, each a number, a field or a variable. */
export interface Constraint {
  readonly field: FieldName;
  readonly terms: readonly { readonly sign: 1 | -1; readonly term: string }[];
}

/** One way to write a definition. */
export interface Template {
  readonly definition: Definition;
  /** Without the suffixes of Rc, OE, LK and AA. */
  readonly mnemonic: string;
  readonly operands: readonly OperandSyntax[];
  readonly constraints: readonly Constraint[];
}

/** Reads `"li RT, SI | RA0=0"`. */
function parseTemplate(definition: Definition, text: string): Template {
  const [left, right = ""] = text.split("|").map((part) => part.trim());
  const [mnemonic, ...rest] = left.split(" ");
  const operands = rest.join(" ").split(",").map((operand) => operand.trim()).filter(Boolean);
  return {
    definition,
    mnemonic,
    operands: operands.map((operand) => {
      const [, name, base] = /^(\w+)(?:\((\w+)\))?$/.exec(operand) ?? [];
      return base ? { name, base: base as FieldName } : { name };
    }),
    constraints: right.split(" ").filter(Boolean).map((constraint) => {
      const [field, sum] = constraint.split("=");
      const terms = [...sum.matchAll(/([+-]?)(\w+)/g)].map(([, sign, term]) => ({
        sign: sign === "-" ? -1 as const : 1 as const,
        term,
      }));
      return { field: field as FieldName, terms };
    }),
  };
}

const templates = new WeakMap<Definition, { printed: readonly Template[]; accepted: readonly Template[] }>();

/**
 * The ways to write a definition: `printed` in the order in which the disassembler tries them, the plain
 * one last; `accepted` are all.
 */
export function templatesOf(definition: Definition) {
  const known = templates.get(definition);
  if (known) return known;
  const read = (texts: readonly string[] = []) => texts.map((text) => parseTemplate(definition, text));
  const plain = parseTemplate(definition, `${definition.mnemonic} ${definition.syntax}`);
  const printed = [...read(definition.aliases), plain];
  const made = { printed, accepted: [...printed, ...read(definition.accepts)] };
  templates.set(definition, made);
  return made;
}

export function isField(name: string): name is FieldName {
  return name in FIELDS;
}

/** Value of a constraint's sum; undefined where it has a variable that is not bound. */
export function sumOf(
  { terms }: Constraint,
  value: (name: string) => number | undefined,
): number | undefined {
  let sum = 0;
  for (const { sign, term } of terms) {
    const part = /^\d/.test(term) ? Number(term) : value(term);
    if (part === undefined) return undefined;
    sum += sign * part;
  }
  return sum;
}

/**
 * The variables under which `word` is an instance of the template, or undefined where it is none. A
 * constraint of one variable alone binds it.
 */
export function matchTemplate(template: Template, word: number): ReadonlyMap<string, number> | undefined {
  const variables = new Map<string, number>();
  const value = (name: string) => isField(name) ? getField(word, name) : variables.get(name);
  for (const constraint of template.constraints) {
    const { field, terms: [{ term, sign }, ...more] } = constraint, actual = getField(word, field);
    const sum = sumOf(constraint, value);
    if (sum === undefined && more.length === 0 && sign === 1) variables.set(term, actual);
    else if (sum !== actual) return undefined;
  }
  return variables;
}
