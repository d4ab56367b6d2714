/** Lines for the encoder, without an assembler around it. */
import type { AssemblyLine } from "../../../emulator/isa/assembly.ts";

/** Splits `"lwz r3, 8(r1)"`; no comments, labels or strings. */
export function lineOf(text: string): AssemblyLine {
  const [, mnemonic, rest] = /^(\S+)\s*(.*)$/.exec(text) ?? ["", "", ""];
  return { mnemonic, operands: rest === "" ? [] : rest.split(",").map((operand) => operand.trim()) };
}

/** Evaluates a number; anything else is a symbol, and there are none. */
export function numbersOnly(expression: string): { value: bigint; known: boolean } {
  const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(expression.trim());
  if (!match) throw new SyntaxError(`"${expression}" is no number`);
  return { value: match[1] ? -BigInt(match[2]) : BigInt(match[2]), known: true };
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
