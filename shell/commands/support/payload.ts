/**
 * The bytes that `call` sends, written as arguments:
 *
 *     0x2a        8 bytes, little-endian (so are -1, $rax, label+4)
 *     0x2a:4      4 bytes, little-endian; the width is 1, 2, 4 or 8
 *     0x2a:4be    4 bytes, big-endian
 *     "text"      its UTF-8 bytes, without a terminating zero; \n \t \0 \" \\ \xHH inside
 *     hex:deadbeef   these bytes, in this order
 *
 * Arguments are put one after the other, without padding.
 */
import { unquote } from "../../../emulator/isa/expression.ts";
import { evaluateExpression } from "../../expression.ts";

/** Gives an expression's value, e.g. `session.evaluateNumber`. */
export type Evaluate = (expression: string) => bigint;

const numbersOnly: Evaluate = (text) =>
  evaluateExpression(text, { register: () => undefined, symbol: () => undefined });

const WIDTH = /^(.*):(\d+)(le|be)?$/is;

/** The bytes of one argument. */
export function payloadBytes(argument: string, evaluate: Evaluate = numbersOnly): Uint8Array {
  if (argument.startsWith('"')) return unquote(argument);
  if (/^hex:/i.test(argument)) return hexBytes(argument.slice(4));
  const match = WIDTH.exec(argument);
  const width = match === null ? 8 : Number(match[2]);
  if (width !== 1 && width !== 2 && width !== 4 && width !== 8) {
    throw new RangeError(`the width of "${argument}" is ${width} bytes; it can be 1, 2, 4 or 8`);
  }
  const source = match === null ? argument : match[1];
  const value = evaluate(source);
  const bits = width * 8;
  if (BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, value) !== value) {
    const wider = width === 8 ? "write more bytes as hex:..." : `write ${source}:${width * 2} for more`;
    throw new RangeError(`${source} does not fit in ${width} byte${width === 1 ? "" : "s"}; ${wider}`);
  }
  return numberBytes(value, width, match?.[3]?.toLowerCase() === "be" ? "be" : "le");
}

/** The bytes of several arguments, one after the other. */
export function payload(argumentTexts: readonly string[], evaluate: Evaluate = numbersOnly): Uint8Array {
  const parts = argumentTexts.map((text) => payloadBytes(text, evaluate));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** `value` modulo 2^(8 * width) as bytes. */
export function numberBytes(value: bigint, width: number, order: "le" | "be"): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let i = 0; i < width; i++) {
    bytes[order === "le" ? i : width - 1 - i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
}

function hexBytes(digits: string): Uint8Array {
  const clean = digits.replaceAll(/[\s_:]/g, "");
  const wrong = /[^0-9a-f]/i.exec(clean);
  if (wrong !== null) throw new SyntaxError(`"${wrong[0]}" in "hex:${digits}" is not a hexadecimal digit`);
  if (clean.length % 2 !== 0) {
    throw new SyntaxError(`"hex:${digits}" has ${clean.length} digits; a byte takes two`);
  }
  return Uint8Array.from(clean.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A reply for people: its bytes, and as a little-endian number and as text where it can be one. */
export function showReply(bytes: Uint8Array): string {
  if (bytes.length === 0) return "(no bytes)";
  const hex = Array.from(bytes.subarray(0, 64), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const more = bytes.length > 64 ? ` ... (${bytes.length} bytes)` : "";
  const notes: string[] = [];
  if ([1, 2, 4, 8].includes(bytes.length)) {
    let value = 0n;
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    notes.push(
      `= 0x${value.toString(16)}`,
      `(${value}, ${bytes.length} byte${bytes.length === 1 ? "" : "s"} little-endian)`,
    );
  }
  if (bytes.length > 1 && bytes.every((byte) => (byte >= 32 && byte < 127) || byte === 10)) {
    notes.push(JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 64))));
  }
  return [hex + more, ...notes].join("  ");
}
