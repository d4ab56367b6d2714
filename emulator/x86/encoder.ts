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
  addressWidth,
  CONDITION_ALIASES,
  CONDITION_NAMES,
  dependsOnSize,
  type Encoding,
  type OperandSize,
  type OperandSpec,
  usualSize,
  writtenOperands,
} from "./record.ts";
import { type Mode, registerNames } from "./registers.ts";
import { SEGMENT_NAMES } from "./slots.ts";

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
        if (!suffixed || size === usualSize(mode, encoding)) add(name, choice);
        if (suffixed) add(name + SIZE_SUFFIX[size], choice);
      }
    }
  }
  return map;
}

/** What an operand code takes, as the manual writes it. */
function specName(spec: OperandSpec): string {
  const bits = { b: "8", w: "16", d: "32", q: "64", s: "8" }[spec.size as string] ?? "";
  switch (spec.kind) {
    case "E":
      return `r/m${bits}`;
    case "M":
    case "O":
      return spec.size === "f" ? "far m" : "m";
    case "A":
      return "far selector:offset";
    case "C":
      return "control register";
    case "D":
      return "debug register";
    case "L":
      return "imm8";
    case "X":
    case "Y":
    case "B":
      return "";
    case "R":
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
  if (operand.kind === "far") return `${operand.selector}:${operand.offset}`;
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
    const { mnemonic, texts, lock, segment, ...prefixes } = withoutPrefixes(line);
    const all = this.#choices.get(mnemonic);
    if (all === undefined) throw new SyntaxError(this.#unknown(mnemonic));
    const choices = all.filter(({ encoding }) => takes(this.mode, encoding, segment, prefixes));
    if (choices.length === 0) throw new SyntaxError(prefixMessage(mnemonic, prefixes, segment));
    const operands = texts.map((text) => parseOperand(this.mode, text));
    const fitting = choices.filter((c) => writtenOperands(c.encoding).length === operands.length);
    if (fitting.length === 0) throw new SyntaxError(countMessage(mnemonic, choices, operands.length));
    const attempts: Attempt[] = [];
    for (const { encoding, coded, size } of fitting) {
      const orders = encoding.definition.symmetric ? [operands, [...operands].reverse()] : [operands];
      for (const order of orders) {
        attempts.push(
          ...candidates({ mode: this.mode, encoding, coded, size, lock, segment, context }, order),
        );
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
    const forms = [...new Set(choices.map((c) => writtenOperands(c.encoding).map(specName).join(", ")))];
    const given = operands.map(describe).join(", ");
    throw new SyntaxError(
      `"${mnemonic}" does not take ${given || "no operand"}: it takes ${forms.join("; ")}`,
    );
  }
}

function countMessage(mnemonic: string, choices: readonly Choice[], count: number): string {
  const right = [...new Set(choices.map((c) => writtenOperands(c.encoding).length))].sort();
  return `"${mnemonic}" takes ${right.join(" or ")} operand${right.at(-1) === 1 ? "" : "s"}, not ${count}`;
}

interface Prefixes {
  /** The byte that a repeat prefix is. */
  readonly repeat?: "f3" | "f2";
  /** Address size by `a16`, `a32` or `a64`. */
  readonly address?: number;
}

interface Unprefixed extends Prefixes {
  readonly mnemonic: string;
  readonly texts: readonly string[];
  readonly lock: boolean;
  /** Index of the segment before a string instruction, or -1. */
  readonly segment: number;
}

const REPEATS: Readonly<Record<string, "f3" | "f2">> = {
  rep: "f3",
  repe: "f3",
  repz: "f3",
  repne: "f2",
  repnz: "f2",
};

/** Takes off what stands before the mnemonic: `lock`, `rep`, `a32`, `es`. */
function withoutPrefixes(line: AssemblyLine): Unprefixed {
  const [first = "", ...rest] = line.operands;
  let text = `${line.mnemonic} ${first}`.trim(), lock = false, segment = -1;
  let repeat: Prefixes["repeat"], address: number | undefined;
  for (;;) {
    const [, word, remainder] = /^(\S+)\s*(.*)$/.exec(text) ?? ["", "", ""];
    const name = word.toLowerCase();
    const size = /^a(16|32|64)$/.exec(name), index = (SEGMENT_NAMES as readonly string[]).indexOf(name);
    if (name === "lock") lock = true;
    else if (Object.hasOwn(REPEATS, name)) repeat = REPEATS[name];
    else if (size !== null) address = Number(size[1]);
    else if (index >= 0) segment = index;
    else {
      const texts = remainder === "" ? rest : [remainder, ...rest];
      return { mnemonic: name, texts, lock, segment, repeat, address };
    }
    if (remainder === "") {
      throw new SyntaxError(`prefix "${name}" stands before an instruction on the same line`);
    }
    text = remainder;
  }
}

/** Whether an encoding is the one that the prefixes ask for. */
function takes(mode: Mode, encoding: Encoding, segment: number, { repeat, address }: Prefixes): boolean {
  const { definition, prefix, otherAddress, operands } = encoding;
  const wanted = repeat ?? "none";
  if (definition.repeats === undefined ? repeat !== undefined : prefix !== wanted) return false;
  if (segment >= 0 && !operands.some(({ kind }) => kind === "X" || kind === "B")) return false;
  if (!definition.addressed) return address === undefined;
  return (address ?? mode) === addressWidth(mode, otherAddress);
}

function prefixMessage(mnemonic: string, { repeat, address }: Prefixes, segment: number): string {
  const given = [
    repeat === undefined ? "" : repeat === "f3" ? "rep" : "repne",
    address === undefined ? "" : `a${address}`,
    segment < 0 ? "" : SEGMENT_NAMES[segment],
  ].filter(Boolean).join(" ");
  return `"${mnemonic}" does not take the prefix ${given}: it is for string instructions (or, a16 to a64, for loops)`;
}

const encoders = new Map<Mode, Encoder>();

/** The assembler's x86 half for a mode; built once, when first asked for. */
export function x86Encoder(mode: Mode): InstructionEncoder {
  let encoder = encoders.get(mode);
  if (encoder === undefined) encoders.set(mode, encoder = new Encoder(mode));
  return encoder;
}
