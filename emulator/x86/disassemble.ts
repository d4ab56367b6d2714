/**
 * One line of Intel syntax for an instruction, in the spelling that `encoder.ts` reads back: numbers in
 * hexadecimal, memory with its size, RIP-relative memory as `[rel ADDRESS]`.
 */
import type { OpcodeTable } from "./opcode_table.ts";
import { type MemoryOperand, parse, type Parsed } from "./parse.ts";
import {
  addressWidth,
  bytesOf,
  type Encoding,
  type OperandSpec,
  repeatText,
  usualSize,
  widthOf,
  writtenOperands,
} from "./record.ts";
import { generalName, type Mode } from "./registers.ts";
import { DS, SEGMENT_NAMES, SS } from "./slots.ts";

const RSP = 4, RBP = 5;

/** By bytes. */
const SIZE_NAMES: Readonly<Record<number, string>> = {
  1: "byte",
  2: "word",
  4: "dword",
  6: "fword",
  8: "qword",
  10: "tbyte",
  16: "xmmword",
};

export function hexNumber(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  const text = magnitude < 10n ? `${magnitude}` : `0x${magnitude.toString(16)}`;
  return value < 0n ? `-${text}` : text;
}

/** Segment that an address uses without an override: SS where the base is rBP or rSP. */
function defaultSegment({ base, width }: MemoryOperand): number {
  return base === RBP || (width !== 16 && base === RSP) ? SS : DS;
}

function memoryText(mode: Mode, segment: number, memory: MemoryOperand): string {
  const prefix = segment < 0 || segment === defaultSegment(memory) ? "" : `${SEGMENT_NAMES[segment]}:`;
  const bits = memory.width;
  const parts: string[] = [];
  if (memory.base >= 0) parts.push(generalName(memory.base, bits));
  if (memory.index >= 0) {
    parts.push(generalName(memory.index, bits) + (memory.scale === 0 ? "" : `*${1 << memory.scale}`));
  }
  const registers = parts.join("+");
  if (registers === "") {
    const address = BigInt.asUintN(memory.ripRelative ? mode : bits, memory.disp);
    return `${prefix}[${memory.ripRelative ? "rel " : ""}${hexNumber(address)}]`;
  }
  if (memory.disp === 0n) return `${prefix}[${registers}]`;
  return `${prefix}[${registers}${memory.disp > 0n ? "+" : ""}${hexNumber(memory.disp)}]`;
}

function operandText(mode: Mode, p: Parsed, spec: OperandSpec): string {
  const width = widthOf(spec, p.size);
  switch (spec.kind) {
    case "E":
    case "M":
    case "O": {
      if (p.memory === undefined) return generalName(p.rm, width, !p.hasRex);
      // LEA uses neither size nor segment.
      if (p.cell.encoding.mnemonic === "lea") return memoryText(mode, -1, p.memory);
      const text = memoryText(mode, p.segment, p.memory);
      if (spec.kind === "M" && spec.size === "") return text;
      return `${spec.size === "f" ? "far " : ""}${SIZE_NAMES[bytesOf(spec, p.size)]} ptr ${text}`;
    }
    case "R":
      return generalName(p.rm, width, !p.hasRex);
    case "A":
      return `far ${hexNumber(BigInt(p.selector))}:${hexNumber(p.target)}`;
    case "C":
      return `cr${p.reg}`;
    case "D":
      return `dr${p.reg}`;
    case "L":
      return hexNumber(BigInt(p.level));
    case "G":
      return generalName(p.reg, width, !p.hasRex);
    case "Z":
      return generalName(p.opcodeReg, width, !p.hasRex);
    case "register":
      return generalName(spec.code, width);
    case "S":
      return SEGMENT_NAMES[p.reg];
    case "segment":
      return SEGMENT_NAMES[spec.code];
    case "J":
      return `0x${p.target.toString(16)}`;
    default:
      return hexNumber(BigInt.asUintN(width, BigInt(p.immediate)));
  }
}

/** The text of the instruction at `pc`, or undefined where it cannot be decoded. */
export function disassemble(
  table: OpcodeTable,
  bytes: Uint8Array,
  pc: bigint,
): { text: string; length: number } | undefined {
  const p = parse(table, bytes, pc);
  if ("undecodable" in p) return undefined;
  const { encoding } = p.cell;
  // Without operands to show it, an unusual operand size is told by a suffix.
  const suffix = sizeSuffix(table.mode, p), repeat = repeatText(encoding);
  const name = encoding.mnemonic.slice(repeat.length);
  const operands = writtenOperands(encoding).map((spec) => operandText(table.mode, p, spec)).join(", ");
  const prefixes = `${p.lock ? "lock " : ""}${repeat}${implied(table.mode, p)}`;
  return { text: `${prefixes}${name}${suffix} ${operands}`.trim(), length: p.length };
}

/** Prefixes that act on operands which are not written. */
function implied(mode: Mode, { cell: { encoding }, segment }: Parsed): string {
  const address = encoding.definition.addressed && encoding.otherAddress
    ? `a${addressWidth(mode, true)} `
    : "";
  const uses = encoding.operands.some(({ kind }) => kind === "X" || kind === "B");
  return address + (uses && segment >= 0 && segment !== DS ? `${SEGMENT_NAMES[segment]} ` : "");
}

/** How a mnemonic tells its operand size, where no operand does: by a suffix always, if unusual, or never. */
export function suffixOf({ definition, operands }: Encoding): "always" | "unusual" | "never" {
  if (definition.sized === "suffix") return "always";
  const shown = operands.some(({ kind, size }) => kind === "E" || kind === "Z" || size === "f");
  return definition.sized && !shown ? "unusual" : "never";
}

export const SIZE_SUFFIX = { 16: "w", 32: "d", 64: "q" } as const;

function sizeSuffix(mode: Mode, p: Parsed): string {
  const when = suffixOf(p.cell.encoding);
  return when === "always" || (when === "unusual" && p.size !== usualSize(mode, p.cell.encoding))
    ? SIZE_SUFFIX[p.size]
    : "";
}
