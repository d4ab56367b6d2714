/**
 * Text to bytes: every encoding of a mnemonic is tried at every operand size, and the shortest that fits is
 * taken. The encodings are the decoder's.
 */
import type { AssemblyLine, EncodeContext, InstructionEncoder } from "../isa/assembly.ts";
import { didYouMean } from "../isa/edit_distance.ts";
import { SIZE_SUFFIX, suffixOf } from "./disassemble.ts";
import { type Attempt, candidates } from "./encoding_candidates.ts";
import { allEncodings, sizesOf } from "./opcode_table.ts";
import { KEYWORDS, type OperandText, parseOperand } from "./operand_text.ts";
import {
  CONDITION_ALIASES,
  CONDITION_NAMES,
  dependsOnSize,
  type Encoding,
  type OperandSize,
  type OperandSpec,
} from "./record.ts";
import { type Mode, registerNames } from "./registers.ts";

/** One meaning of a mnemonic: an encoding at an operand size. */
interface Choice {
  readonly encoding: Encoding;
  /** Operand size by prefixes, and what it becomes (64 for pushes and branches of 64-bit code). */
  readonly coded: OperandSize;
  readonly size: OperandSize;
}

function namesOf(encoding: Encoding): string[] {
  const { mnemonic, aliases = [] } = encoding.definition;
  if (!mnemonic.includes("{cc}")) return [mnemonic, ...aliases];
  const name = CONDITION_NAMES[encoding.cc];
  return [name, ...CONDITION_ALIASES[name] ?? []].map((n) => mnemonic.replace("{cc}", n));
}

function build(mode: Mode): ReadonlyMap<string, readonly Choice[]> {
  const map = new Map<string, Choice[]>();
  const add = (name: string, choice: Choice) => {
    const list = map.get(name);
    if (list === undefined) map.set(name, [choice]);
    else list.push(choice);
  };
  const usual = mode === 16 ? 16 : 32;
  for (const encoding of allEncodings()) {
    if (!encoding.attributes.modes.includes(mode)) continue;
    for (const [coded, size] of sizesOf(encoding, mode)) {
      if (encoding.attributes.wide !== undefined && mode === 64) {
        if (coded === 64 || (coded === 16 && encoding.attributes.wide === "f64")) continue;
      }
      if (!dependsOnSize(encoding) && coded !== usual) continue;
      const choice = { encoding, coded, size };
      const suffixed = suffixOf(encoding) !== "never";
      for (const name of namesOf(encoding)) {
        if (!suffixed || size === mode) add(name, choice);
        if (suffixed) add(name + SIZE_SUFFIX[size], choice);
      }
    }
  }
  return map;
}

/** What an operand code takes, as the manual writes it. */
function specName(spec: OperandSpec): string {
  const bits = { b: "8", w: "16", d: "32", q: "64", v: "", z: "", y: "", s: "8", "": "" }[spec.size];
  switch (spec.kind) {
    case "E":
      return `r/m${bits}`;
    case "M":
    case "O":
      return "m";
    case "G":
    case "Z":
      return `r${bits}`;
    case "I":
      return `imm${bits}`;
    case "J":
      return "label";
    case "S":
    case "segment":
      return "segment register";
    case "one":
      return "1";
    case "register":
      return spec.size === "b" ? ["al", "cl"][spec.code] : spec.code === 2 ? "dx" : "accumulator";
  }
}

function describe(operand: OperandText): string {
  if (operand.kind === "register") return `${operand.register.name} (${operand.register.width} bits)`;
  if (operand.kind === "expression") return operand.text;
  return operand.width === undefined ? "memory" : `memory of ${operand.width} bits`;
}

class Encoder implements InstructionEncoder {
  readonly reserved: ReadonlySet<string>;
  readonly mnemonics: readonly string[];
  readonly #choices: ReadonlyMap<string, readonly Choice[]>;

  constructor(readonly mode: Mode) {
    this.#choices = build(mode);
    this.mnemonics = [...this.#choices.keys()].sort();
    this.reserved = new Set([...registerNames(64).keys(), ...KEYWORDS]);
  }

  encode(line: AssemblyLine, context: EncodeContext): Uint8Array {
    const { mnemonic, texts, lock } = withoutPrefix(line);
    const choices = this.#choices.get(mnemonic);
    if (choices === undefined) throw new SyntaxError(this.#unknown(mnemonic));
    const operands = texts.map((text) => parseOperand(this.mode, text));
    const fitting = choices.filter((c) => c.encoding.operands.length === operands.length);
    if (fitting.length === 0) throw new SyntaxError(countMessage(mnemonic, choices, operands.length));
    const attempts: Attempt[] = [];
    for (const { encoding, coded, size } of fitting) {
      const orders = encoding.definition.symmetric ? [operands, [...operands].reverse()] : [operands];
      for (const order of orders) {
        attempts.push(...candidates({ mode: this.mode, encoding, coded, size, lock, context }, order));
      }
    }
    return this.#shortest(mnemonic, operands, fitting, attempts, context.atLeast);
  }

  #unknown(mnemonic: string): string {
    return `unknown instruction "${mnemonic}"${didYouMean(mnemonic, this.mnemonics)}`;
  }

  #shortest(
    mnemonic: string,
    operands: readonly OperandText[],
    choices: readonly Choice[],
    attempts: readonly Attempt[],
    atLeast: number,
  ): Uint8Array {
    let best: Uint8Array | undefined, longest: Uint8Array | undefined;
    const widths = new Set<number>();
    for (const attempt of attempts) {
      if (attempt.bytes === undefined) continue;
      if (attempt.guessedWidth !== undefined) widths.add(attempt.guessedWidth);
      const { bytes } = attempt;
      if (bytes.length >= atLeast && (best === undefined || bytes.length < best.length)) best = bytes;
      if (longest === undefined || bytes.length > longest.length) longest = bytes;
    }
    if (widths.size > 1) {
      const right = [...widths].sort((a, b) => a - b).map((w) =>
        `${{ 8: "byte", 16: "word", 32: "dword", 64: "qword" }[w]} ptr`
      );
      throw new SyntaxError(
        `the size of the memory operand of "${mnemonic}" is not known: write ${right.join(" or ")}`,
      );
    }
    const found = best ?? longest;
    if (found !== undefined) return found;
    const problems = attempts.filter((a) => a.problem !== undefined);
    if (problems.length > 0) {
      throw new SyntaxError(problems.reduce((a, b) => (b.reach ?? 0) > (a.reach ?? 0) ? b : a).problem);
    }
    const forms = [...new Set(choices.map((c) => c.encoding.operands.map(specName).join(", ")))];
    const given = operands.map(describe).join(", ");
    throw new SyntaxError(
      `"${mnemonic}" does not take ${given || "no operand"}: it takes ${forms.join("; ")}`,
    );
  }
}

function countMessage(mnemonic: string, choices: readonly Choice[], count: number): string {
  const right = [...new Set(choices.map((c) => c.encoding.operands.length))].sort();
  return `"${mnemonic}" takes ${right.join(" or ")} operand${right.at(-1) === 1 ? "" : "s"}, not ${count}`;
}

/** Takes LOCK off, whether it stands in the mnemonic or as one. */
function withoutPrefix(line: AssemblyLine): { mnemonic: string; texts: readonly string[]; lock: boolean } {
  let mnemonic = line.mnemonic.trim(), texts = line.operands;
  const words = mnemonic.split(/\s+/);
  if (words.length === 1 && /^(lock|rep|repe|repz|repne|repnz)$/.test(mnemonic)) {
    const [first = "", ...rest] = texts;
    const match = /^(\S+)\s*(.*)$/.exec(first.trim());
    if (match === null) {
      throw new SyntaxError(`prefix "${mnemonic}" stands before an instruction on the same line`);
    }
    words.push(match[1].toLowerCase());
    texts = match[2] === "" ? rest : [match[2], ...rest];
  }
  mnemonic = words.at(-1) ?? "";
  if (words.length > 2 || (words.length === 2 && words[0] !== "lock")) {
    throw new SyntaxError(`prefix "${words[0]}" is not implemented: lock is`);
  }
  return { mnemonic, texts, lock: words.length === 2 };
}

const encoders = new Map<Mode, Encoder>();

/** The assembler's x86 half for a mode; built once, when first asked for. */
export function x86Encoder(mode: Mode): InstructionEncoder {
  let encoder = encoders.get(mode);
  if (encoder === undefined) encoders.set(mode, encoder = new Encoder(mode));
  return encoder;
}
