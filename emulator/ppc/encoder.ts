/** The text assembler's back end: one line of PowerPC assembly to four bytes. */
import type { ByteOrder } from "../ir/ops.ts";
import type { AssemblyLine, EncodeContext, InstructionEncoder } from "../isa/assembly.ts";
import { ALWAYS, BRANCH_STEMS, type BranchMnemonic, encodeBo, type Hint } from "./branch_syntax.ts";
import { CR_WORDS } from "./cr_names.ts";
import type { Definition } from "./definition.ts";
import { type FieldName, FIELDS, getField, setField } from "./fields.ts";
import { branchDisplacement, fitField, type Operand, parseField } from "./operand_parse.ts";
import type { PpcMode } from "./state.ts";
import { isField, type OperandSyntax, sumOf, type Template, templatesOf } from "./syntax.ts";
import { DEFINITIONS } from "./table.ts";
import { wordBytes } from "./word.ts";

/** What a mnemonic means: a template, or a conditional branch, with flags that its suffixes set. */
type Meaning =
  | { readonly kind: "template"; readonly template: Template; readonly flags: readonly FieldName[] }
  | {
    readonly kind: "branch";
    readonly definition: Definition;
    readonly branch: BranchMnemonic;
    readonly flags: readonly FieldName[];
  };

type Meanings = Map<string, Meaning[]>;

/** The suffixes that a definition's flags give, in their order of writing. */
function suffixesOf({ bits }: Definition): (readonly [string, readonly FieldName[]])[] {
  let made: (readonly [string, readonly FieldName[]])[] = [["", []]];
  for (const [name, text] of [["OE", "o"], ["LK", "l"], ["AA", "a"], ["Rc", "."]] as const) {
    if (!bits.fields.includes(name)) continue;
    made = made.flatMap(([suffix, flags]) => [[suffix, flags], [suffix + text, [...flags, name]]] as const);
  }
  return made;
}

function collect(definitions: readonly Definition[]): Meanings {
  const meanings: Meanings = new Map();
  const put = (mnemonic: string, meaning: Meaning) => {
    const known = meanings.get(mnemonic);
    if (known) known.push(meaning);
    else meanings.set(mnemonic, [meaning]);
  };
  for (const definition of definitions) {
    for (const [suffix, flags] of suffixesOf(definition)) {
      if (definition.branch === undefined) {
        for (const template of templatesOf(definition).accepted) {
          put(template.mnemonic + suffix, { kind: "template", template, flags });
        }
        continue;
      }
      const to = definition.branch;
      for (const template of templatesOf(definition).accepted) {
        put(`bc${to}${suffix}`, { kind: "template", template, flags });
      }
      if (to) put(`b${to}${suffix}`, { kind: "branch", definition, branch: {}, flags });
      for (const [stem, branch] of BRANCH_STEMS) {
        if (to === "ctr" && branch.counter) continue;
        put(`b${stem}${to}${suffix}`, { kind: "branch", definition, branch, flags });
      }
    }
  }
  return meanings;
}

/** Operands as a reader writes them: fields by the manual's names. */
function usage(mnemonic: string, operands: readonly OperandSyntax[]): string {
  const names = operands.map(({ name, base }) => base ? `${plain(name)}(${plain(base)})` : plain(name));
  return names.length === 0 ? `${mnemonic} without operands` : `${mnemonic} ${names.join(", ")}`;
}

function plain(name: string): string {
  return name.replace(/^(RA|L)\d+$/, "$1");
}

class PpcEncoder implements InstructionEncoder {
  readonly reserved: ReadonlySet<string> = new Set([
    ...Array.from({ length: 32 }, (_, index) => `r${index}`),
    ...Array.from({ length: 32 }, (_, index) => `f${index}`),
    ...Array.from({ length: 8 }, (_, index) => `cr${index}`),
    ...CR_WORDS,
  ]);
  readonly mnemonics: readonly string[];
  readonly #mode: PpcMode;
  readonly #order: ByteOrder;
  readonly #meanings: Meanings;
  readonly #elsewhere: Meanings;

  constructor(mode: PpcMode, order: ByteOrder) {
    const here = ({ only }: Definition) => only === undefined || only === mode;
    this.#mode = mode;
    this.#order = order;
    this.#meanings = collect(DEFINITIONS.filter(here));
    this.#elsewhere = collect(DEFINITIONS.filter((definition) => !here(definition)));
    this.mnemonics = [...this.#meanings.keys()];
  }

  encode({ mnemonic, operands }: AssemblyLine, context: EncodeContext): Uint8Array {
    const [, name, hint] = /^(b.*?)([+-])$/.exec(mnemonic) ?? ["", mnemonic, ""];
    const meanings = this.#meanings.get(name);
    if (!meanings) throw this.#unknown(name);
    const counts = meanings.map((meaning) => this.#countsOf(meaning));
    const chosen = meanings.find((_, index) => counts[index].includes(operands.length));
    if (!chosen) {
      const forms = [...new Set(meanings.map((meaning) => this.#usageOf(name, meaning)))].join(" or ");
      throw new SyntaxError(`${name} has ${operands.length} operands here; it is written ${forms}`);
    }
    const word = chosen.kind === "template"
      ? this.#template(name, chosen, operands, context)
      : this.#branch(name, hint as Hint, chosen, operands, context);
    if (hint && chosen.kind === "template") throw new SyntaxError(`${name} takes no prediction hint`);
    const definition = chosen.kind === "template" ? chosen.template.definition : chosen.definition;
    const why = definition.invalid?.((field) => getField(word, field), this.#mode);
    if (why) throw new SyntaxError(`${name}: ${why}`);
    return wordBytes(word, this.#order);
  }

  #unknown(name: string): SyntaxError {
    const other = this.#mode === 32 ? 64 : 32;
    return this.#elsewhere.has(name)
      ? new SyntaxError(`${name} needs mode ${other}; the guest is in mode ${this.#mode}`)
      : new SyntaxError(`unknown instruction ${name}`);
  }

  #countsOf(meaning: Meaning): readonly number[] {
    if (meaning.kind === "template") return [meaning.template.operands.length];
    const { definition, branch } = meaning, target = definition.branch ? 0 : 1;
    if (!branch.sense) return [target];
    return branch.bit === undefined ? [target + 1] : [target, target + 1];
  }

  #usageOf(name: string, meaning: Meaning): string {
    if (meaning.kind === "template") return usage(name, meaning.template.operands);
    const { definition, branch } = meaning;
    const condition = branch.sense ? (branch.bit === undefined ? ["BI"] : ["[crN]"]) : [];
    const operands = [...condition, ...definition.branch ? [] : ["target"]];
    return usage(name, operands.map((operand) => ({ name: operand })));
  }

  #template(
    mnemonic: string,
    { template, flags }: Extract<Meaning, { kind: "template" }>,
    operands: readonly string[],
    context: EncodeContext,
  ): number {
    let word = withFlags(template.definition, flags);
    const variables = new Map<string, number>();
    const set = (name: FieldName, text: string) => {
      const operand = parseField(name, text, context);
      word = setField(word, name, this.#value(name, operand, text, mnemonic, flags, context));
    };
    template.operands.forEach(({ name, base }, index) => {
      const text = operands[index];
      if (!isField(name)) {
        variables.set(name, Number(parseField("UI", text, context).value));
      } else if (base) {
        const match = /^(.*)\(\s*([^()]+?)\s*\)$/s.exec(text);
        if (!match) {
          throw new SyntaxError(`"${text}" is no address; write a displacement and a base, as in 8(r1)`);
        }
        set(name, match[1].trim() || "0");
        set(base, match[2]);
      } else {
        set(name, text);
      }
    });
    return constrain(template, word, variables, mnemonic);
  }

  #branch(
    mnemonic: string,
    hint: Hint,
    { definition, branch, flags }: Extract<Meaning, { kind: "branch" }>,
    operands: readonly string[],
    context: EncodeContext,
  ): number {
    let word = withFlags(definition, flags);
    const rest = [...operands];
    if (!definition.branch) {
      const text = rest.pop() ?? "", operand = parseField("BD", text, context);
      word = setField(word, "BD", this.#value("BD", operand, text, mnemonic, flags, context));
    }
    if (branch.sense) {
      const bit = branch.bit === undefined
        ? Number(parseField("BI", rest[0], context).value)
        : 4 * Number(rest[0] === undefined ? 0n : parseField("BF", rest[0], context).value) + branch.bit;
      word = setField(word, "BI", bit);
    }
    const backward = !definition.branch && getField(word, "BD") < 0;
    const always = !branch.sense && !branch.counter;
    const bo = always && !hint ? ALWAYS : encodeBo(branch, hint, { mode: this.#mode, backward });
    if (bo === undefined || (always && hint)) throw new SyntaxError(`${mnemonic} takes no prediction hint`);
    return setField(word, "BO", bo);
  }

  /** What goes into the field: checked, and relative where the field is. */
  #value(
    name: FieldName,
    operand: Operand,
    text: string,
    mnemonic: string,
    flags: readonly FieldName[],
    context: EncodeContext,
  ): number {
    if (FIELDS[name].text === "target") {
      const absolute = flags.includes("AA"), field = name as "LI" | "BD";
      return branchDisplacement(field, operand, text, absolute, context, this.#mode);
    }
    return operand.known ? fitField(name, operand.value, text, mnemonic) : 0;
  }
}

function withFlags(definition: Definition, flags: readonly FieldName[]): number {
  return flags.reduce((word, flag) => setField(word, flag, 1), definition.bits.match);
}

/** Sets the fields that an alias determines. A rotation by the full width is one by 0. */
function constrain(
  template: Template,
  start: number,
  variables: ReadonlyMap<string, number>,
  mnemonic: string,
): number {
  let word = start;
  for (const constraint of template.constraints) {
    const { field } = constraint, full = 2 ** FIELDS[field].width;
    const sum = sumOf(constraint, (name) => isField(name) ? getField(word, name) : variables.get(name));
    if (sum === undefined) throw new TypeError(`${template.mnemonic}: a variable of ${field} is not written`);
    const alone = constraint.terms.length === 1;
    const value = !alone && sum === full && !FIELDS[field].signed ? 0 : sum;
    const operands = [...variables].map(([name, value]) => `${name}=${value}`).join(", ");
    word = setField(word, field, fitField(field, BigInt(value), `${field} for ${operands}`, mnemonic));
  }
  return word;
}

const encoders = new Map<string, InstructionEncoder>();

/**
 * The encoder of one mode. Standard syntax with simplified mnemonics; registers as `r3`, `%r3` or `3`; halves of
 * addresses as `sym@ha`, `sym@l`. Made at the first call, the same object after that.
 */
export function ppcEncoder(mode: PpcMode, order: ByteOrder = "be"): InstructionEncoder {
  const key = `${mode}${order}`;
  let encoder = encoders.get(key);
  if (!encoder) encoders.set(key, encoder = new PpcEncoder(mode, order));
  return encoder;
}
