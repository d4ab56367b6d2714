/**
 * One line of Intel syntax for an instruction, in the spelling that `encoder.ts` reads back: numbers in
 * hexadecimal, memory with its size, RIP-relative memory as `[rel ADDRESS]`.
 */
import type { OpcodeTable } from "./opcode_table.ts";
import { type MemoryOperand, parse, type Parsed } from "./parse.ts";
import { type Encoding, type OperandSpec, widthOf } from "./record.ts";
import { generalName, type Mode } from "./registers.ts";
import { DS, SEGMENT_NAMES, SS } from "./slots.ts";

const RSP = 4, RBP = 5;

const SIZE_NAMES = { 8: "byte", 16: "word", 32: "dword", 64: "qword" } as const;

export function hexNumber(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  const text = magnitude < 10n ? `${magnitude}` : `0x${magnitude.toString(16)}`;
  return value < 0n ? `-${text}` : text;
}

/** Segment that an address uses without an override: SS where the base is rBP or rSP. */
function defaultSegment(mode: Mode, base: number): number {
  return base === RBP || (mode !== 16 && base === RSP) ? SS : DS;
}

function memoryText(mode: Mode, segment: number, memory: MemoryOperand): string {
  const prefix = segment < 0 || segment === defaultSegment(mode, memory.base)
    ? ""
    : `${SEGMENT_NAMES[segment]}:`;
  const bits = mode === 16 ? 16 : mode;
  const parts: string[] = [];
  if (memory.base >= 0) parts.push(generalName(memory.base, bits));
  if (memory.index >= 0) {
    parts.push(generalName(memory.index, bits) + (memory.scale === 0 ? "" : `*${1 << memory.scale}`));
  }
  const registers = parts.join("+");
  if (registers === "") {
    return `${prefix}[${memory.ripRelative ? "rel " : ""}${hexNumber(BigInt.asUintN(mode, memory.disp))}]`;
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
      if (spec.kind === "M") return memoryText(mode, -1, p.memory);
      return `${SIZE_NAMES[width]} ptr ${memoryText(mode, p.segment, p.memory)}`;
    }
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
  const { mnemonic, operands } = p.cell.encoding;
  // Without operands to show it, an unusual operand size is told by a suffix.
  const suffix = sizeSuffix(table.mode, p);
  const text = operands.map((spec) => operandText(table.mode, p, spec)).join(", ");
  return { text: `${p.lock ? "lock " : ""}${mnemonic}${suffix} ${text}`.trim(), length: p.length };
}

/** How a mnemonic tells its operand size, where no operand does: by a suffix always, if unusual, or never. */
export function suffixOf({ definition, operands }: Encoding): "always" | "unusual" | "never" {
  if (definition.sized === "suffix") return "always";
  return definition.sized && !operands.some((o) => o.kind === "E" || o.kind === "Z") ? "unusual" : "never";
}

export const SIZE_SUFFIX = { 16: "w", 32: "d", 64: "q" } as const;

function sizeSuffix(mode: Mode, p: Parsed): string {
  const when = suffixOf(p.cell.encoding);
  return when === "always" || (when === "unusual" && p.size !== mode) ? SIZE_SUFFIX[p.size] : "";
}
