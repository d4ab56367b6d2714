/** Splits an assembly source into statements: labels, assignments, directives and instructions. */
import type { Diagnostic } from "./assembly_error.ts";

/** A piece of a line with its column, from 1. */
export interface Piece {
  readonly text: string;
  readonly column: number;
}

/** What a line says besides its labels. */
export type Body =
  | { readonly kind: "assign"; readonly name: Piece; readonly expression: Piece }
  | { readonly kind: "directive"; readonly head: Piece; readonly operands: readonly Piece[] }
  | { readonly kind: "instruction"; readonly head: Piece; readonly operands: readonly Piece[] };

/** One line that says something. */
export interface Statement {
  /** From 1. */
  readonly line: number;
  /** The whole line, with its comment. */
  readonly text: string;
  readonly labels: readonly Piece[];
  readonly body?: Body;
}

/** Directives that are written without a point. */
const PLAIN_DIRECTIVES: ReadonlySet<string> = new Set([
  "db",
  "dw",
  "dd",
  "dq",
  "org",
  "align",
  "bits",
  "global",
]);

const NAME = "[A-Za-z_.$][\\w.$]*";
const LABEL = new RegExp(`^\\s*(${NAME}|[0-9]+)\\s*:`);
const ASSIGN = new RegExp(`^\\s*(${NAME})\\s*=(?!=)`);
/** NASM's and MASM's way: `size equ 4`, `text db "x"`. */
const NAMED = new RegExp(`^\\s*(${NAME})\\s+(equ|db|dw|dd|dq)(?=\\s|$)`, "i");
const OPENING = "([{";
const CLOSING = ")]}";

/** Where a quoted text that starts at `start` ends (one past its quote), or -1. */
function endOfQuote(line: string, start: number): number {
  for (let i = start + 1; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === line[start]) return i + 1;
  }
  return -1;
}

/** Thrown inside this file only. */
class LineError extends SyntaxError {
  constructor(message: string, readonly column: number) {
    super(message);
  }
}

/** The line without its comment: `;` and `//` anywhere, `#` where a word could start. */
function withoutComment(line: string): string {
  for (let i = 0; i < line.length; i++) {
    const character = line[i];
    if (character === '"' || character === "'") {
      const end = endOfQuote(line, i);
      if (end < 0) throw new LineError(`the text that starts here has no closing ${character}`, i + 1);
      i = end - 1;
    } else if (character === ";" || (character === "/" && line[i + 1] === "/")) {
      return line.slice(0, i);
    } else if (character === "#" && (i === 0 || /\s/.test(line[i - 1]))) {
      return line.slice(0, i);
    }
  }
  return line;
}

/** A trimmed piece of `line`, from `start` to `end`. */
function piece(line: string, start: number, end: number): Piece {
  const raw = line.slice(start, end);
  const trimmed = raw.trimStart();
  return { text: trimmed.trimEnd(), column: start + (raw.length - trimmed.length) + 1 };
}

/** Splits `line` from `start` at commas outside of brackets and quotes. Nothing gives no operands. */
function splitOperands(line: string, start: number): Piece[] {
  if (line.slice(start).trim() === "") return [];
  const operands: Piece[] = [];
  const open: { character: string; column: number }[] = [];
  let from = start;
  for (let i = start; i < line.length; i++) {
    const character = line[i];
    if (character === '"' || character === "'") i = endOfQuote(line, i) - 1;
    else if (OPENING.includes(character)) open.push({ character, column: i + 1 });
    else if (CLOSING.includes(character)) {
      const expected = OPENING[CLOSING.indexOf(character)];
      if (open.pop()?.character !== expected) {
        throw new LineError(`"${character}" without "${expected}"`, i + 1);
      }
    } else if (character === "," && open.length === 0) {
      operands.push(piece(line, from, i));
      from = i + 1;
    }
  }
  const unclosed = open.pop();
  if (unclosed !== undefined) {
    const expected = CLOSING[OPENING.indexOf(unclosed.character)];
    throw new LineError(`"${unclosed.character}" without "${expected}"`, unclosed.column);
  }
  operands.push(piece(line, from, line.length));
  const empty = operands.find((operand) => operand.text === "");
  if (empty !== undefined) throw new LineError("expected an operand beside the comma", empty.column);
  return operands;
}

function parseBody(code: string, start: number): Body | undefined {
  const rest = code.slice(start);
  if (rest.trim() === "") return undefined;
  const assign = ASSIGN.exec(rest);
  if (assign !== null) {
    const from = start + assign[0].length;
    return {
      kind: "assign",
      name: piece(code, start, start + assign[0].indexOf("=")),
      expression: piece(code, from, code.length),
    };
  }
  const head = /^\s*\S+/.exec(rest)![0];
  const end = start + head.length;
  const name = piece(code, start, end);
  const word = name.text.toLowerCase();
  const directive = (word.startsWith(".") && word.length > 1) || PLAIN_DIRECTIVES.has(word);
  return { kind: directive ? "directive" : "instruction", head: name, operands: splitOperands(code, end) };
}

function parseLine(text: string, line: number): Statement | undefined {
  const code = withoutComment(text);
  const labels: Piece[] = [];
  let start = 0;
  for (;;) {
    const label = LABEL.exec(code.slice(start));
    if (label === null) break;
    labels.push(piece(code, start, start + label[0].length - 1));
    start += label[0].length;
  }
  const named = NAMED.exec(code.slice(start));
  if (named !== null && !PLAIN_DIRECTIVES.has(named[1].toLowerCase())) {
    const name = piece(code, start, start + named[0].length - named[2].length);
    const from = start + named[0].length;
    if (named[2].toLowerCase() === "equ") {
      const body: Body = { kind: "assign", name, expression: piece(code, from, code.length) };
      return { line, text, labels, body };
    }
    labels.push(name);
    start = from - named[2].length;
  }
  const body = parseBody(code, start);
  if (body === undefined && labels.length === 0) return undefined;
  return { line, text, labels, body };
}

/** Splits a source into statements; what cannot be split goes to `report` and is left out. */
export function parseLines(source: string, report: (diagnostic: Diagnostic) => void): Statement[] {
  const statements: Statement[] = [];
  source.split(/\r\n|\n|\r/).forEach((text, index) => {
    try {
      const statement = parseLine(text, index + 1);
      if (statement !== undefined) statements.push(statement);
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      report({ message: error.message, line: index + 1, column: error.column, text });
    }
  });
  return statements;
}
