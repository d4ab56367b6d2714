/** The assembler's directives, as a table from name to what it does. */
import type { Piece } from "./assembly_lines.ts";
import { type Evaluation, unquote } from "./expression.ts";

/** What a directive may do to the program that is being assembled. */
export interface DirectiveHost {
  /** Address of the statement. */
  readonly here: bigint;
  readonly order: "le" | "be";
  evaluate(operand: Piece): Evaluation;
  /** Appends bytes. */
  emit(bytes: Uint8Array): void;
  /** Appends `pattern` `count` times; throws RangeError beyond the size limit, before it allocates. */
  fill(count: bigint, pattern: Uint8Array): void;
  /** Appends `count` bytes that may be executed, where code stands before them. */
  pad(count: bigint): void;
  define(name: Piece, evaluation: Evaluation): void;
  setEntry(address: bigint): void;
  /** Goes on in another mode of the ISA, such as `"x86-16"`. */
  setMode(mode: string): void;
}

type Directive = (host: DirectiveHost, operands: readonly Piece[]) => void;

/** A complaint about one operand, whose column is worth showing. */
export class OperandError extends SyntaxError {
  constructor(message: string, readonly operand: Piece) {
    super(message);
  }
}

/** `value` as `size` bytes; it may be unsigned or negative, but has to fit. */
export function integerBytes(value: bigint, size: number, order: "le" | "be"): Uint8Array<ArrayBuffer> {
  const bits = BigInt(size * 8);
  const least = -(1n << (bits - 1n));
  const largest = (1n << bits) - 1n;
  if (value < least || value > largest) {
    throw new SyntaxError(`${value} does not fit in ${bits} bits: expected ${least} to ${largest}`);
  }
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(size * 8, value);
  for (let i = 0; i < size; i++) {
    bytes[order === "le" ? i : size - 1 - i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

function at<T>(operand: Piece, action: () => T): T {
  try {
    return action();
  } catch (error) {
    // Expression errors know their place better.
    if (error instanceof SyntaxError && error.constructor === SyntaxError) {
      throw new OperandError(error.message, operand);
    }
    throw error;
  }
}

function expectCount(operands: readonly Piece[], least: number, most: number, usage: string): void {
  if (operands.length < least || operands.length > most) {
    throw new SyntaxError(`expected ${usage}, found ${operands.length} operands`);
  }
}

const isText = (operand: Piece): boolean => operand.text.startsWith('"');

/** Numbers of `size` bytes; a quoted text counts as its bytes where `size` is 1. */
const integers = (size: number): Directive => (host, operands) => {
  if (operands.length === 0) throw new SyntaxError("expected at least one value");
  for (const operand of operands) {
    at(operand, () => {
      if (!isText(operand)) host.emit(integerBytes(host.evaluate(operand).value, size, host.order));
      else if (size === 1) host.emit(unquote(operand.text));
      else throw new SyntaxError(`a text needs .byte or .ascii, not numbers of ${size} bytes`);
    });
  }
};

const texts = (end: readonly number[]): Directive => (host, operands) => {
  if (operands.length === 0) throw new SyntaxError('expected a quoted text such as "hello\\n"');
  for (const operand of operands) {
    at(operand, () => {
      if (!isText(operand)) throw new SyntaxError('expected a quoted text such as "hello\\n"');
      host.emit(unquote(operand.text));
      host.emit(Uint8Array.from(end));
    });
  }
};

function count(host: DirectiveHost, operand: Piece): bigint {
  const { value } = host.evaluate(operand);
  if (value < 0n) throw new OperandError(`${value} is negative: expected a count`, operand);
  return value;
}

/** A fill value of `size` bytes from an optional operand. */
function pattern(host: DirectiveHost, operand: Piece | undefined, size: number): Uint8Array {
  if (operand === undefined) return new Uint8Array(size);
  return at(operand, () => integerBytes(host.evaluate(operand).value, size, host.order));
}

const space: Directive = (host, operands) => {
  expectCount(operands, 1, 2, "a size in bytes and perhaps a fill byte");
  host.fill(count(host, operands[0]), pattern(host, operands[1], 1));
};

/** GNU's `.fill repeat, size, value`. */
const fill: Directive = (host, operands) => {
  expectCount(operands, 1, 3, "a count, perhaps a size of 1 to 8 bytes, perhaps a value");
  const repeat = count(host, operands[0]);
  const size = operands[1] === undefined ? 1n : host.evaluate(operands[1]).value;
  if (size < 0n || size > 8n) throw new OperandError(`size ${size}: expected 0 to 8 bytes`, operands[1]);
  if (size > 0n) host.fill(repeat, pattern(host, operands[2], Number(size)));
};

const org: Directive = (host, operands) => {
  expectCount(operands, 1, 2, "an address and perhaps a fill byte");
  const { value, known } = host.evaluate(operands[0]);
  if (value < host.here) {
    // An address that rests on a later symbol comes right in a later pass.
    if (!known) return;
    const [to, from] = [value, host.here].map((address) => `0x${address.toString(16)}`);
    throw new OperandError(`cannot go back to ${to}: the program already stands at ${from}`, operands[0]);
  }
  host.fill(value - host.here, pattern(host, operands[1], 1));
};

function alignTo(host: DirectiveHost, boundary: bigint, byte: Piece | undefined): void {
  const gap = (boundary - (host.here % boundary)) % boundary;
  if (byte === undefined) host.pad(gap);
  else host.fill(gap, pattern(host, byte, 1));
}

/** To a multiple of the operand in bytes, on every ISA (GNU's `.align` differs between them). */
const align: Directive = (host, operands) => {
  expectCount(operands, 1, 2, "a power of two in bytes and perhaps a fill byte");
  const boundary = count(host, operands[0]);
  if (boundary === 0n || (boundary & (boundary - 1n)) !== 0n) {
    throw new OperandError(`alignment ${boundary}: expected a power of two`, operands[0]);
  }
  alignTo(host, boundary, operands[1]);
};

const alignPower: Directive = (host, operands) => {
  expectCount(operands, 1, 2, "a power (4 means 16 bytes) and perhaps a fill byte");
  const power = count(host, operands[0]);
  if (power > 26n) throw new OperandError(`alignment 2^${power}: expected a power of 0 to 26`, operands[0]);
  alignTo(host, 1n << power, operands[1]);
};

const define: Directive = (host, operands) => {
  expectCount(operands, 2, 2, "a name and a value");
  host.define(operands[0], host.evaluate(operands[1]));
};

const entry: Directive = (host, operands) => {
  expectCount(operands, 1, 1, "an address or a symbol");
  host.setEntry(host.evaluate(operands[0]).value);
};

/** Everything is visible to everyone, and there is one section. */
const nothing: Directive = () => {};

const mode = (name: string): Directive => (host, operands) => {
  expectCount(operands, 0, 0, "nothing after it");
  host.setMode(name);
};

const bits: Directive = (host, operands) => {
  expectCount(operands, 1, 1, "16, 32 or 64");
  const width = operands[0].text;
  if (!/^(16|32|64)$/.test(width)) {
    throw new OperandError(`${width} bits: expected 16, 32 or 64`, operands[0]);
  }
  host.setMode(`x86-${width}`);
};

/** By name in lower case. */
export const directives: ReadonlyMap<string, Directive> = new Map<string, Directive>([
  [".byte", integers(1)],
  [".word", integers(2)],
  [".short", integers(2)],
  [".hword", integers(2)],
  [".2byte", integers(2)],
  [".long", integers(4)],
  [".int", integers(4)],
  [".4byte", integers(4)],
  [".quad", integers(8)],
  [".8byte", integers(8)],
  ["db", integers(1)],
  ["dw", integers(2)],
  ["dd", integers(4)],
  ["dq", integers(8)],
  [".ascii", texts([])],
  [".asciz", texts([0])],
  [".string", texts([0])],
  [".space", space],
  [".skip", space],
  [".zero", space],
  [".fill", fill],
  [".org", org],
  ["org", org],
  [".align", align],
  ["align", align],
  [".balign", align],
  [".p2align", alignPower],
  [".equ", define],
  [".set", define],
  [".entry", entry],
  [".global", nothing],
  [".globl", nothing],
  ["global", nothing],
  [".text", nothing],
  [".code16", mode("x86-16")],
  [".code32", mode("x86-32")],
  [".code64", mode("x86-64")],
  ["bits", bits],
]);
