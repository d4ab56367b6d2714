/**
 * Instructions that are known by name alone: the POWER architecture's, which the 601 kept and later processors do not
 * have, and those that belong to parts of the architecture that the project leaves out. They are printed and not
 * executed. The PowerPC 601 User's Manual, chapter 10; MPC603e User's Manual, chapter 2.
 */
import type { Definition } from "./definition.ts";
import { type FieldName, FIELDS, getField, parsePattern, type Pattern } from "./fields.ts";
import { fieldText } from "./operand_text.ts";

interface Foreign {
  readonly mnemonic: string;
  readonly bits: Pattern;
  readonly operands: readonly FieldName[];
}

function foreign(mnemonic: string, pattern: string, operands: string): Foreign {
  const names = operands.split(" ").filter((name): name is FieldName => name in FIELDS);
  return { mnemonic, bits: parsePattern(pattern), operands: names };
}

const arithmetic = (mnemonic: string, extended: number) =>
  foreign(mnemonic, `XO-form: 31 RT RA RB OE ${extended} Rc`, "RT RA RB");
const unary = (mnemonic: string, extended: number) =>
  foreign(mnemonic, `XO-form: 31 RT RA /5 OE ${extended} Rc`, "RT RA");
const shift = (mnemonic: string, extended: number) =>
  foreign(mnemonic, `X-form: 31 RS RA RB ${extended} Rc`, "RA RS RB");
const shiftBy = (mnemonic: string, extended: number) =>
  foreign(mnemonic, `X-form: 31 RS RA SH ${extended} Rc`, "RA RS SH");

const FOREIGN: readonly Foreign[] = [
  ...[arithmetic("doz", 264), unary("abs", 360), unary("nabs", 488), arithmetic("mul", 107)],
  ...[arithmetic("div", 331), arithmetic("divs", 363)],
  foreign("dozi", "D-form: 9 RT RA SI", "RT RA SI"),
  foreign("rlmi", "M-form: 22 RS RA RB MB ME Rc", "RA RS RB MB ME"),
  ...[shift("maskg", 29), shift("maskir", 541), shift("rrib", 537), shift("sle", 153), shift("sleq", 217)],
  ...[shiftBy("sliq", 184), shiftBy("slliq", 248), shift("sllq", 216), shift("slq", 152)],
  ...[shiftBy("sraiq", 952), shift("sraq", 920), shift("sre", 665), shift("srea", 921), shift("sreq", 729)],
  ...[shiftBy("sriq", 696), shiftBy("srliq", 760), shift("srlq", 728), shift("srq", 664)],
  foreign("clcs", "X-form: 31 RT RA /5 531 Rc", "RT RA"),
  foreign("lscbx", "X-form: 31 RT RA RB 277 Rc", "RT RA RB"),
  // Segments and translation.
  foreign("tlbld", "X-form: 31 RT RA RB 978 /1", "RB"),
  foreign("tlbli", "X-form: 31 RT RA RB 1010 /1", "RB"),
];

function find(word: number): Foreign | undefined {
  return FOREIGN.find(({ bits }) =>
    ((word & bits.mask) >>> 0) === bits.match && (word & bits.reserved) === 0
  );
}

function named({ mnemonic, bits }: Foreign, word: number): string {
  const has = (name: FieldName) => bits.fields.includes(name) && getField(word, name) === 1;
  return `${mnemonic}${has("OE") ? "o" : ""}${has("Rc") ? "." : ""}`;
}

/** The text of a word that is such an instruction. */
export function foreignText(word: number): string | undefined {
  const found = find(word);
  if (!found) return undefined;
  return `${named(found, word)} ${
    found.operands.map((name) => fieldText(name, getField(word, name))).join(", ")
  }`;
}

/** The mnemonic of a word that is such an instruction. */
export function foreignMnemonic(word: number): string | undefined {
  const found = find(word);
  return found && named(found, word);
}

/** Those whose patterns fit a word that a definition fits: there must be none. */
export function foreignClashes(definitions: readonly Definition[]): readonly string[] {
  return FOREIGN.flatMap(({ mnemonic, bits }) =>
    definitions
      .filter((other) => (bits.mask & other.bits.mask & (bits.match ^ other.bits.match)) === 0)
      .map((other) => `${mnemonic} and ${other.mnemonic}`)
  );
}
