/** gdb's `x/NFU`: how many units of memory to show, in which format, of which size. */

/**
 * x hexadecimal, z the same, d signed, u unsigned, o octal, t binary, f floating point, c character, a address with symbol,
 * s string, i instruction.
 */
export type ExamineLetter = "x" | "z" | "d" | "u" | "o" | "t" | "f" | "c" | "a" | "s" | "i";

export interface ExamineFormat {
  readonly count: number;
  readonly letter: ExamineLetter;
  /** Bytes of a unit; strings and instructions have none of their own and ignore it. */
  readonly unit: 1 | 2 | 4 | 8;
}

/** What `x` shows where nothing is said: one 32-bit word in hexadecimal. */
export const DEFAULT_FORMAT: ExamineFormat = { count: 1, letter: "x", unit: 4 };

const UNITS: Readonly<Record<string, 1 | 2 | 4 | 8>> = { b: 1, h: 2, w: 4, g: 8 };
const LETTERS = "xzduotfcasi";

/** More than this is a typing error rather than something to read. */
const MOST = 65536;

/**
 * Reads the part after the slash: `8xw`, `10i`, `s`, `4gx` (the letters in either order).
 * What is left out is taken from `last`, save the count, which is then 1.
 * @throws {SyntaxError} naming the letter that means nothing and those that do.
 */
export function parseExamine(source: string, last: ExamineFormat = DEFAULT_FORMAT): ExamineFormat {
  const match = /^\/?(\d*)([a-z]*)$/.exec(source);
  if (match === null) {
    throw new SyntaxError(
      `"${source}" is not /NFU: a count, then a format (x z d u o t f c a s i), then b h w g`,
    );
  }
  let { letter, unit } = last;
  let unitGiven = false;
  let letterGiven = false;
  for (const character of match[2]) {
    const bytes = UNITS[character];
    if (bytes !== undefined && !unitGiven) {
      unit = bytes;
      unitGiven = true;
    } else if (LETTERS.includes(character) && !letterGiven) {
      letter = character as ExamineLetter;
      letterGiven = true;
    } else {
      const twice = bytes !== undefined || LETTERS.includes(character);
      const why = twice
        ? "is given twice"
        : "is neither a format (x z d u o t f c a s i) nor a unit (b h w g: 1 2 4 8 bytes)";
      throw new SyntaxError(`"${character}" in "/${source.replace("/", "")}" ${why}`);
    }
  }
  if (letter === "c" && letterGiven && !unitGiven) unit = 1;
  // There are no floating-point numbers of one or two bytes.
  if (letter === "f" && unit < 4) {
    if (unitGiven) throw new SyntaxError(`"${source}": floating point has w (4 bytes) or g (8 bytes)`);
    unit = 8;
  }
  const count = match[1] === "" ? 1 : Number(match[1]);
  if (count < 1 || count > MOST) {
    throw new RangeError(`the count of "${source}" is not between 1 and ${MOST}`);
  }
  return { count, letter, unit };
}

/** One unit as an unsigned number from memory. */
export function readUnit(bytes: Uint8Array, at: number, unit: number, order: "le" | "be"): bigint {
  let value = 0n;
  for (let i = 0; i < unit; i++) {
    const index = order === "le" ? at + unit - 1 - i : at + i;
    value = (value << 8n) | BigInt(bytes[index]);
  }
  return value;
}

/** One unit as text, padded so that units of a line stand below each other. */
export function showUnit(value: bigint, format: ExamineFormat): string {
  const bits = format.unit * 8;
  switch (format.letter) {
    case "d":
      return String(BigInt.asIntN(bits, value)).padStart(DECIMAL_WIDTH[format.unit] + 1);
    case "u":
      return String(value).padStart(DECIMAL_WIDTH[format.unit]);
    case "o":
      return `0${value.toString(8).padStart(Math.ceil(bits / 3), "0")}`;
    case "t":
      return value.toString(2).padStart(bits, "0");
    case "f":
      return showFloat(value, format.unit).padStart(format.unit === 4 ? 14 : 24);
    case "c":
      return `${String(BigInt.asIntN(bits, value)).padStart(4)} ${showCharacter(value).padEnd(6)}`;
    default:
      return `0x${value.toString(16).padStart(format.unit * 2, "0")}`;
  }
}

/** The shortest digits that mean this number: nine are enough for 4 bytes, JavaScript's own for 8. */
function showFloat(value: bigint, unit: number): string {
  const view = new DataView(new ArrayBuffer(8));
  if (unit === 8) {
    view.setBigUint64(0, value);
    return floatText(view.getFloat64(0));
  }
  view.setUint32(0, Number(value));
  const number = view.getFloat32(0);
  for (let digits = 1; digits <= 9; digits++) {
    const text = number.toPrecision(digits);
    if (Math.fround(Number(text)) === number) return floatText(Number(text));
  }
  return floatText(number);
}

function floatText(number: number): string {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number < 0 ? "-inf" : "inf";
  return Object.is(number, -0) ? "-0" : String(number);
}

const DECIMAL_WIDTH: Readonly<Record<number, number>> = { 1: 3, 2: 5, 4: 10, 8: 20 };

function showCharacter(value: bigint): string {
  const code = Number(value & 0xffn);
  if (code === 39 || code === 92) return `'\\${String.fromCharCode(code)}'`;
  if (code >= 32 && code < 127) return `'${String.fromCharCode(code)}'`;
  return `'\\${code.toString(8).padStart(3, "0")}'`;
}

/** How many units of a format stand on one line, as gdb has it. */
export function unitsPerLine(format: ExamineFormat): number {
  const wide = format.letter === "t" ? 2 : 1;
  return Math.max(1, Math.floor(({ 1: 8, 2: 8, 4: 4, 8: 2 } as const)[format.unit] / wide));
}
