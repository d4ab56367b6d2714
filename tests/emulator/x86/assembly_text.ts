/** Assembly lines for tests: numbers only, unless a test gives symbols. */
import type { AssemblyLine, EncodeContext } from "../../../emulator/isa/assembly.ts";

/** Splits `mov eax, dword ptr [ebx]` as the assembler does. */
export function splitLine(text: string): AssemblyLine {
  const match = /^((?:lock\s+)?\S+)\s*(.*)$/.exec(text.trim());
  if (match === null) throw new SyntaxError(`no instruction in "${text}"`);
  return { mnemonic: match[1], operands: match[2] === "" ? [] : match[2].split(",").map((s) => s.trim()) };
}

/** Evaluates sums of numbers. */
function evaluate(expression: string): { value: bigint; known: boolean } {
  const terms = expression.replaceAll(/\s+/g, "").match(/[+-]?[^+-]+/g) ?? [];
  const value = terms.reduce((sum, term) => {
    const digits = BigInt(term.replace(/^[+-]/, ""));
    return sum + (term.startsWith("-") ? -digits : digits);
  }, 0n);
  return { value, known: true };
}

export const numberContext: EncodeContext = { pc: 0x1000n, atLeast: 0, evaluate };

/** A context with some symbols; the names in `unknown` are not known yet and count as 0. */
export function symbolContext(
  symbols: Readonly<Record<string, bigint>>,
  unknown: readonly string[] = [],
): EncodeContext {
  return {
    ...numberContext,
    evaluate(expression) {
      const known = !unknown.some((name) => expression.includes(name));
      const text = Object.entries(symbols).reduce((t, [name, v]) => t.replaceAll(name, `${v}`), expression);
      return { value: known ? evaluate(text).value : 0n, known };
    },
  };
}
