/**
 * Instruction fields by the manual's names, and the patterns that are written with them.
 *
 * Bits are numbered as in Power ISA 2.07B Book I 1.6: bit 0 is the most significant of the 32.
 */

/** What a field holds, which decides how it is written in assembly text. */
export type FieldText =
  | "register"
  | "base"
  | "float"
  | "signed"
  | "unsigned"
  | "crField"
  | "crBit"
  | "target";

export interface Field {
  /** Runs of bits `[first, width]`, the field's most significant run first. */
  readonly spans: readonly (readonly [number, number])[];
  readonly text: FieldText;
  /** Two's complement. */
  readonly signed: boolean;
  /** The field counts units of this many bytes. */
  readonly scale: number;
  readonly width: number;
}

function field(text: FieldText, spans: readonly (readonly [number, number])[], scale = 1): Field {
  const signed = text === "signed" || text === "target";
  return { spans, text, signed, scale, width: spans.reduce((sum, [, width]) => sum + width, 0) };
}

/**
 * Book I 1.6, "Instruction fields". `RA0` is the manual's `(RA|0)`; L2, L6, L15 and W15 are L and W in
 * other places, BTF is BT where it names a bit of the FPSCR.
 */
export const FIELDS = {
  RT: field("register", [[6, 5]]),
  RS: field("register", [[6, 5]]),
  RA: field("register", [[11, 5]]),
  RA0: field("base", [[11, 5]]),
  RB: field("register", [[16, 5]]),
  SI: field("signed", [[16, 16]]),
  UI: field("unsigned", [[16, 16]]),
  D: field("signed", [[16, 16]]),
  DS: field("signed", [[16, 14]], 4),
  LI: field("target", [[6, 24]], 4),
  BD: field("target", [[16, 14]], 4),
  BO: field("unsigned", [[6, 5]]),
  BI: field("crBit", [[11, 5]]),
  BH: field("unsigned", [[19, 2]]),
  BF: field("crField", [[6, 3]]),
  BFA: field("crField", [[11, 3]]),
  BT: field("crBit", [[6, 5]]),
  BA: field("crBit", [[11, 5]]),
  BB: field("crBit", [[16, 5]]),
  L: field("unsigned", [[10, 1]]),
  L2: field("unsigned", [[9, 2]]),
  L15: field("unsigned", [[15, 1]]),
  L6: field("unsigned", [[6, 1]]),
  W15: field("unsigned", [[15, 1]]),
  FRT: field("float", [[6, 5]]),
  FRS: field("float", [[6, 5]]),
  FRA: field("float", [[11, 5]]),
  FRB: field("float", [[16, 5]]),
  FRC: field("float", [[21, 5]]),
  FLM: field("unsigned", [[7, 8]]),
  U: field("unsigned", [[16, 4]]),
  BTF: field("unsigned", [[6, 5]]),
  BC: field("crBit", [[21, 5]]),
  NB: field("unsigned", [[16, 5]]),
  TH: field("unsigned", [[6, 5]]),
  EH: field("unsigned", [[31, 1]]),
  SH: field("unsigned", [[16, 5]]),
  MB: field("unsigned", [[21, 5]]),
  ME: field("unsigned", [[26, 5]]),
  sh: field("unsigned", [[30, 1], [16, 5]]),
  mb: field("unsigned", [[26, 1], [21, 5]]),
  me: field("unsigned", [[26, 1], [21, 5]]),
  spr: field("unsigned", [[16, 5], [11, 5]]),
  tbr: field("unsigned", [[16, 5], [11, 5]]),
  SR: field("unsigned", [[12, 4]]),
  FXM: field("unsigned", [[12, 8]]),
  TO: field("unsigned", [[6, 5]]),
  LEV: field("unsigned", [[20, 7]]),
  OE: field("unsigned", [[21, 1]]),
  AA: field("unsigned", [[30, 1]]),
  LK: field("unsigned", [[31, 1]]),
  Rc: field("unsigned", [[31, 1]]),
} as const satisfies Record<string, Field>;

export type FieldName = keyof typeof FIELDS;

/** The field's value in `word`: sign-extended and scaled to bytes where it says so. */
export function getField(word: number, name: FieldName): number {
  const { spans, signed, scale, width }: Field = FIELDS[name];
  let value = 0;
  for (const [first, bits] of spans) {
    value = value * 2 ** bits + (word >>> (32 - first - bits) & 2 ** bits - 1);
  }
  return (signed && value >= 2 ** (width - 1) ? value - 2 ** width : value) * scale;
}

/** `word` with the field set to `value` (in bytes where the field is scaled), which must fit. */
export function setField(word: number, name: FieldName, value: number): number {
  const { spans, scale, width }: Field = FIELDS[name];
  let rest = Math.floor(value / scale) & (width === 32 ? -1 : 2 ** width - 1);
  for (const [first, bits] of [...spans].reverse()) {
    const low = 32 - first - bits, mask = (2 ** bits - 1) << low;
    word = word & ~mask | rest << low & mask;
    rest >>>= bits;
  }
  return word >>> 0;
}

/** A pattern such as `"XO-form: 31 RT RA RB OE 266 Rc"`, taken apart. */
export interface Pattern {
  /** `"XO"`. */
  readonly form: string;
  /** Opcode bits, and their values. */
  readonly mask: number;
  readonly match: number;
  /** Bits that the manual marks `/`: they must be 0. */
  readonly reserved: number;
  readonly fields: readonly FieldName[];
}

/** Bits of the extended opcode by form (Book I 1.6): the width of a number that names none. */
const EXTENDED: Readonly<Record<string, number>> = {
  DS: 2,
  X: 10,
  XL: 10,
  XFX: 10,
  XO: 9,
  XS: 9,
  MD: 3,
  MDS: 4,
};

/**
 * Reads a pattern: the cells of the manual's figure from bit 0 on. A number is opcode (6 bits first, then
 * as wide as the form's extended opcode, or as wide as `n:width` says), `/n` is n reserved bits, a name is
 * a field. Throws `TypeError` where the cells are not 32 bits or a field is not where it belongs.
 */
export function parsePattern(text: string): Pattern {
  const wrong = (why: string) => new TypeError(`pattern "${text}": ${why}`);
  const [head, cells] = text.split("-form: ");
  if (cells === undefined) throw wrong(`wants "<name>-form: <cells>"`);
  let at = 0, mask = 0, match = 0, reserved = 0;
  const fields: FieldName[] = [];
  for (const cell of cells.split(" ")) {
    if (cell in FIELDS) {
      const name = cell as FieldName;
      let span = FIELDS[name].spans.find(([first]) => first === at);
      if (!span) throw wrong(`${name} does not start at bit ${at}`);
      for (; span; span = FIELDS[name].spans.find(([first]) => first === at)) at += span[1];
      if (!fields.includes(name)) fields.push(name);
      continue;
    }
    const [, slash, digits, explicit] = /^(\/?)(\d+)(?::(\d+))?$/.exec(cell) ?? [];
    if (digits === undefined) throw wrong(`unknown cell "${cell}"`);
    const width = slash ? +digits : explicit ? +explicit : at === 0 ? 6 : EXTENDED[head];
    if (width === undefined) throw wrong(`the width of "${cell}" is not known`);
    at += width;
    const bits = 2 ** width - 1, low = 32 - at;
    if (slash) reserved |= bits << low;
    else [mask, match] = [mask | bits << low, match | +digits << low];
  }
  if (at !== 32) throw wrong(`${at} bits instead of 32`);
  return { form: head, mask: mask >>> 0, match: match >>> 0, reserved: reserved >>> 0, fields };
}
