/**
 * One-line instruction cases: what an instruction's bytes are, how it is written, and what it does.
 *
 * In a definition's record: `bytes | text | before => after | modes`, the last two optional.
 * In a case file (`*.ins`): `modes | bytes | text | before => after`, the last optional.
 *
 * - bytes: hexadecimal, with or without spaces (`01 d8`, `7c632214`), as they stand in memory.
 * - before, after: space-separated `name=value`; values are hexadecimal, with or without `0x`, `_`
 *   between digits, and `-` in front. Memory is `[address]=bytes`, such as `[0x1000]=de ad`, or a number of
 *   1, 2, 4 or 8 bytes in the ISA's order: `b[1000]=de`, `w[..]`, `d[..]`, `q[..]`.
 *   `before` sets what matters and leaves the rest to the executor; `after` names what is checked.
 *   `trap=out(f4,1,34)` after means that trap with those arguments, `trap.out=f4` the same with its first
 *   argument only; the register `result` before is what a trap gives.
 * - modes: space-separated names, such as `32 64`.
 */

/** A register or flag and its value, memory as bytes or as a number, or a trap. */
export type Assignment =
  | { readonly kind: "register"; readonly name: string; readonly value: bigint }
  | { readonly kind: "memory"; readonly address: bigint; readonly bytes: Uint8Array }
  | {
    readonly kind: "number";
    readonly address: bigint;
    readonly size: 1 | 2 | 4 | 8;
    readonly value: bigint;
  }
  /** `args` may be fewer than the trap has: then the first ones. */
  | { readonly kind: "trap"; readonly name: string; readonly args: readonly bigint[] };

/** One instruction case. */
export interface InstructionCase {
  /** Empty where the example leaves it to its ISA. */
  readonly modes: readonly string[];
  /** As they stand in memory. */
  readonly bytes: Uint8Array;
  /** As the disassembler writes it. */
  readonly text: string;
  /** What is set before it is executed. */
  readonly before: readonly Assignment[];
  /** Empty where only bytes and text are compared. */
  readonly after: readonly Assignment[];
  /** The line that it was read from. */
  readonly source: string;
}

const SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = { b: 1, w: 2, d: 4, q: 8 };

/** Each reads one kind of assignment where it stands. */
const READERS: readonly (readonly [RegExp, (match: RegExpExecArray) => Assignment])[] = [
  [/\[([^\]]*)\]\s*=\s*((?:[0-9a-f]{2}\s*)+)(?=\s|$)/iy, (match) => {
    return { kind: "memory", address: hexValue(match[1].trim(), "address"), bytes: parseHexBytes(match[2]) };
  }],
  [/([bwdq])\[([^\]]*)\]\s*=\s*(\S+)/iy, (match) => {
    const size = SIZES[match[1].toLowerCase()];
    const value = hexValue(match[3], "value");
    if (BigInt.asUintN(size * 8, value) !== value) {
      throw new SyntaxError(`${match[0]}: ${match[3]} does not fit in ${size} bytes`);
    }
    return { kind: "number", address: hexValue(match[2].trim(), "address"), size, value };
  }],
  [/trap\s*=\s*([a-z]\w*)\(([^)]*)\)/iy, (match) => {
    const args = match[2].trim() === "" ? [] : match[2].split(",");
    return { kind: "trap", name: match[1], args: args.map((arg) => hexValue(arg.trim(), match[1])) };
  }],
  [/trap\.([a-z]\w*)\s*=\s*(\S+)/iy, (match) => {
    return { kind: "trap", name: match[1], args: [hexValue(match[2], match[1])] };
  }],
  [/([a-z]\w*)\s*=\s*(\S+)/iy, (match) => {
    return { kind: "register", name: match[1], value: hexValue(match[2], match[1]) };
  }],
];

function hexValue(text: string, what: string): bigint {
  const match = /^(-?)(?:0x)?([0-9a-f]+(?:_[0-9a-f]+)*)$/i.exec(text);
  if (match === null) {
    throw new SyntaxError(`${what}: expected a hexadecimal number, found ${JSON.stringify(text)}`);
  }
  const value = BigInt(`0x${match[2].replaceAll("_", "")}`);
  return match[1] === "-" ? -value : value;
}

/** Bytes written in hexadecimal, with or without spaces between them. */
export function parseHexBytes(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s+/g, "");
  if (digits === "" || !/^([0-9a-f]{2})+$/i.test(digits)) {
    throw new SyntaxError(
      `expected bytes in hexadecimal such as "01 d8", found ${JSON.stringify(text.trim())}`,
    );
  }
  return Uint8Array.from(digits.match(/../g)!, (pair) => parseInt(pair, 16));
}

/** Reads `eax=7 cf=0 [0x1000]=de ad`; throws `SyntaxError`. */
export function parseAssignments(text: string): Assignment[] {
  const result: Assignment[] = [];
  let rest = text.trim();
  while (rest !== "") {
    let read: Assignment | undefined;
    for (const [pattern, reader] of READERS) {
      pattern.lastIndex = 0;
      const match = pattern.exec(rest);
      if (match === null) continue;
      read = reader(match);
      rest = rest.slice(match[0].length).trimStart();
      break;
    }
    if (read === undefined) {
      throw new SyntaxError(`expected name=value or [address]=bytes, found ${JSON.stringify(rest)}`);
    }
    result.push(read);
  }
  return result;
}

function parseCase(
  source: string,
  modes: string,
  bytes: string,
  text: string,
  effect: string,
): InstructionCase {
  const sides = effect.split("=>");
  if (sides.length > 2 || (sides.length === 1 && effect.trim() !== "")) {
    throw new SyntaxError(`expected "before => after", found ${JSON.stringify(effect.trim())}`);
  }
  return {
    modes: modes.split(/\s+/).filter((mode) => mode !== ""),
    bytes: parseHexBytes(bytes),
    text: text.trim(),
    before: parseAssignments(sides[0]),
    after: parseAssignments(sides[1] ?? ""),
    source,
  };
}

function fieldsOf(source: string, least: number, most: number, form: string): string[] {
  const fields = source.split("|").map((field) => field.trim());
  if (fields.length < least || fields.length > most) {
    throw new SyntaxError(`expected ${form}, found ${source}`);
  }
  return fields;
}

function named<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SyntaxError) || error.message.endsWith(source)) throw error;
    throw new SyntaxError(`${error.message}, in ${source}`);
  }
}

/** Reads a record's example, `bytes | text | before => after | modes`; throws `SyntaxError`. */
export function parseExample(source: string): InstructionCase {
  const [bytes, text, effect = "", modes = ""] = fieldsOf(
    source,
    2,
    4,
    "bytes | text | before => after | modes",
  );
  return named(source, () => parseCase(source, modes, bytes, text, effect));
}

/** Reads a line of a case file, `modes | bytes | text | before => after`; throws `SyntaxError`. */
export function parseCaseLine(source: string): InstructionCase {
  const [modes, bytes, text, effect = ""] = fieldsOf(source, 3, 4, "modes | bytes | text | before => after");
  return named(source, () => parseCase(source, modes, bytes, text, effect));
}
