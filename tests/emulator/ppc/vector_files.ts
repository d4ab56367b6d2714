/**
 * Vectors of an outside emulator in the formats of `../shared/vectors`: one case a line, values by name. Each
 * runner takes a file's text and says what passed, what failed and what it left out, so that a test and a command
 * can share them.
 */
import { execute } from "../../../emulator/ir/execute.ts";
import { fpr, gpr, readCr, readXer, SLOT, writeCr, writeXer } from "../../../emulator/ppc/state.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { wordBytes } from "../../../emulator/ppc/word.ts";
import type { StateView } from "../../../emulator/isa/isa.ts";
import { ppcEncoder } from "../../../emulator/ppc/encoder.ts";
import { hexOf, lineOf, numbersOnly } from "./assembly_line.ts";
import { createState } from "../../support/named_state.ts";
import { runHelper, SparseMemory } from "../../support/oracle_driver.ts";
import { normalText } from "./normal_text.ts";

/** What became of a file's cases. */
export interface VectorResult {
  readonly passed: number;
  /** Each with its line and what was found instead. */
  readonly failed: readonly string[];
  /** By kind, with why. */
  readonly excluded: ReadonlyMap<string, number>;
}

/** A case's outcome: undefined for passed, or what is wrong, or why it is left out. */
type Outcome = { readonly wrong: string } | { readonly excluded: string } | undefined;

const isa = ppcIsa(32);
const PC = 0x1000n;

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#"));
}

function collect(text: string, run: (line: string) => Outcome): VectorResult {
  const failed: string[] = [], excluded = new Map<string, number>();
  let passed = 0;
  for (const line of linesOf(text)) {
    const outcome = run(line);
    if (!outcome) passed++;
    else if ("wrong" in outcome) failed.push(`${line}: ${outcome.wrong}`);
    else excluded.set(outcome.excluded, (excluded.get(outcome.excluded) ?? 0) + 1);
  }
  return { passed, failed, excluded };
}

/** Executes one word on the oracle, the state as it is; false for no instruction. */
function step(word: string, state: StateView): boolean {
  const decoded = isa.decode(wordBytes(Number(word), "be"), PC);
  if ("undecodable" in decoded) return false;
  const memory = new SparseMemory();
  const none = () => {
    throw new TypeError("the instruction reaches outside");
  };
  execute(decoded, PC, {
    state,
    load: none,
    store: none,
    trap: (name, args) => {
      const helper = isa.helpers?.[name];
      return helper ? runHelper(helper, state, memory, args) : none();
    },
  });
  return true;
}

function fieldsOf(line: string): { word: string; given: ReadonlyMap<string, string>; name: string } {
  const [name, word, ...assignments] = line.split(",");
  return { name, word, given: new Map(assignments.map((text) => text.split("=") as [string, string])) };
}

function wrongOnes(given: ReadonlyMap<string, string>, found: Readonly<Record<string, bigint>>): Outcome {
  const wrong = Object.entries(found).flatMap(([key, value]) => {
    const expected = given.get(key);
    return expected === undefined || BigInt(expected) === value ? [] : [`${key} is 0x${value.toString(16)}`];
  });
  return wrong.length === 0 ? undefined : { wrong: wrong.join(", ") };
}

const NOT_IMPLEMENTED = { excluded: "not implemented" };

/** `name,word,rD=...,rA=...,XER=...,CR=...`: rD and rA are r3, rB is r4; XER and CR start at 0. */
export function runIntegerVectors(text: string): VectorResult {
  return collect(text, (line) => {
    const { word, given } = fieldsOf(line);
    const state = createState();
    writeCr(state, 0n);
    writeXer(state, 0n);
    state.set64(gpr(3), BigInt(given.get("rA") ?? 0));
    state.set64(gpr(4), BigInt(given.get("rB") ?? 0));
    if (!step(word, state)) return NOT_IMPLEMENTED;
    return wrongOnes(given, { rD: state.get64(gpr(3)), XER: readXer(state), CR: readCr(state) });
  });
}

/** FPSCR before, by the file's name of the rounding mode; VEN enables invalid operations. */
const ROUNDINGS: Readonly<Record<string, number>> = { RTN: 0, RTZ: 1, RPI: 2, RNI: 3, VEN: 0x80 };

const NAMED: Readonly<Record<string, bigint>> = {
  snan: 0x7ff4_0000_0000_0000n,
  qnan: 0x7ff8_0000_0000_0000n,
  inf: 0x7ff0_0000_0000_0000n,
  DBL_MAX: 0x7fef_ffff_ffff_ffffn,
  FLT_MAX: 0x47ef_ffff_e000_0000n,
};

/** A value by name, or a decimal number: a double, also as an operand in single format. */
function floatBits(text: string): bigint {
  const negative = text.startsWith("-"), name = negative ? text.slice(1) : text;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Number(name));
  return (NAMED[name] ?? view.getBigUint64(0)) | (negative ? 1n << 63n : 0n);
}

/** `name,word,round=...,frD=...,frA=...,frB=...,frC=...,FPSCR=...,CR=...`: f3 to f6 are frD, frA, frB, frC. */
export function runFloatVectors(text: string): VectorResult {
  return collect(text, (line) => {
    const { word, given } = fieldsOf(line);
    const state = createState();
    state.set64(SLOT.msr, 0x2000n);
    writeCr(state, 0n);
    state.set64(SLOT.fpscr, BigInt(ROUNDINGS[given.get("round") ?? "RTN"]));
    [["frA", 4], ["frB", 5], ["frC", 6]].forEach(([key, register]) => {
      const value = given.get(`${key}`);
      if (value !== undefined) state.set64(fpr(+register), floatBits(value));
    });
    if (!step(word, state)) return NOT_IMPLEMENTED;
    const results = { frD: state.get64(fpr(3)), FPSCR: state.get64(SLOT.fpscr), CR: readCr(state) };
    return wrongOnes(given, results);
  });
}

/** Whether the other text, read by the assembler, is the same word: only the simplified mnemonic differs. */
function isOtherSpelling(text: string, word: string, pc: bigint): boolean {
  try {
    const bytes = ppcEncoder(32).encode(lineOf(text), { pc, atLeast: 0, evaluate: numbersOnly });
    return BigInt(`0x${hexOf(bytes)}`) === BigInt(word);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Cases where the outside disassembler is not followed, with why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "0x4280035C": "bc with BO=20, which the outside prints as the unconditional b, another word",
  "0x7FBFB800": "cmp with L=1, an invalid form in 32 bits, printed without its L",
};

/** `address,word,mnemonic,operands`. */
export function runDisassemblyVectors(text: string): VectorResult {
  return collect(text, (line) => {
    const [address, word, mnemonic, ...operands] = line.split(",");
    if (LEFT_OUT[word]) return { excluded: LEFT_OUT[word] };
    const theirs = `${mnemonic} ${operands.join(", ")}`.trim();
    const found = isa.disassemble(wordBytes(Number(word), "be"), BigInt(address));
    // A word that is no instruction is data for both.
    if (!found) return mnemonic === "dc.l" ? undefined : NOT_IMPLEMENTED;
    if (normalText(found.text, "keep") === normalText(theirs, "keep")) return;
    return isOtherSpelling(theirs, word, BigInt(address)) ? undefined : { wrong: found.text };
  });
}

/** The runner of a file by its name, or undefined for a format that is none of these. */
export function ppcVectorRunner(file: string): ((text: string) => VectorResult) | undefined {
  const name = file.replace(/^.*\//, "");
  if (name.startsWith("ppc_integer")) return runIntegerVectors;
  if (name.startsWith("ppc_float")) return runFloatVectors;
  return name.startsWith("ppc_disassembly") ? runDisassemblyVectors : undefined;
}
