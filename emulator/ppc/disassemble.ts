/** Text of a decoded instruction, from its record's syntax. */
import { ALWAYS, decodeBo } from "./branch_syntax.ts";
import { crBitText } from "./cr_names.ts";
import type { Definition } from "./definition.ts";
import { FIELDS, getField } from "./fields.ts";
import { addressText, fieldText, numberText } from "./operand_text.ts";
import { branchTarget, type DecodeSite } from "./operands.ts";
import { isField, matchTemplate, type OperandSyntax, templatesOf } from "./syntax.ts";

/** Writes `word`, which fits `definition`, in standard syntax with simplified mnemonics. */
export function disassembleWord(definition: Definition, word: number, site: DecodeSite): string {
  if (definition.branch !== undefined) return branchText(definition, word, site);
  for (const template of templatesOf(definition).printed) {
    const variables = matchTemplate(template, word);
    if (!variables) continue;
    const operands = template.operands.map((operand) => operandText(operand, word, site, variables));
    return `${template.mnemonic}${suffix(definition, word)} ${operands.join(", ")}`.trimEnd();
  }
  throw new TypeError(`${definition.mnemonic} has no plain syntax`);
}

/** The mnemonic's suffixes by the flags that are set: `o`, `l`, `a`, `.`. */
function suffix({ bits }: Definition, word: number): string {
  const flags = [["OE", "o"], ["LK", "l"], ["AA", "a"], ["Rc", "."]] as const;
  return flags.map(([name, text]) => bits.fields.includes(name) && getField(word, name) ? text : "").join("");
}

function operandText(
  { name, base }: OperandSyntax,
  word: number,
  site: DecodeSite,
  variables: ReadonlyMap<string, number>,
): string {
  if (!isField(name)) return numberText(variables.get(name) ?? 0);
  if (FIELDS[name].text === "target") {
    return addressText(branchTarget(word, name as "LI" | "BD", site.pc, site.mode));
  }
  const text = fieldText(name, getField(word, name));
  return base ? `${text}(${fieldText(base, getField(word, base))})` : text;
}

/** `bne cr7, 0x1000`, `bdnzlr`, or `bc 0x15, eq, 0x1000` where BO has no mnemonic. */
function branchText(definition: Definition, word: number, site: DecodeSite): string {
  const to = definition.branch ?? "", bo = getField(word, "BO"), bi = getField(word, "BI");
  const target = to ? [] : [addressText(branchTarget(word, "BD", site.pc, site.mode))];
  const backward = !to && getField(word, "BD") < 0;
  const suffixes = to + suffix(definition, word);
  const write = (mnemonic: string, operands: readonly string[]) =>
    `${mnemonic} ${operands.join(", ")}`.trimEnd();
  if (!to || getField(word, "BH") === 0) {
    if (to && bo === ALWAYS && bi === 0) return `b${suffixes}`;
    const found = decodeBo(bo, bi, { mode: site.mode, backward });
    if (found && !(to === "ctr" && found.mnemonic.counter)) {
      const { stem, mnemonic, hint } = found;
      const condition = mnemonic.bit !== undefined
        ? (bi >> 2 ? [`cr${bi >> 2}`] : [])
        : mnemonic.sense
        ? [crBitText(bi)]
        : [];
      return write(`b${stem}${suffixes}${hint}`, [...condition, ...target]);
    }
  }
  const rest = to ? [numberText(getField(word, "BH"))] : target;
  return write(`bc${suffixes}`, [numberText(bo), crBitText(bi), ...rest]);
}
