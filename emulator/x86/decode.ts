/** A parsed instruction as a form and the numbers for its fields. */
import { STATE } from "../ir/layout.ts";
import type { Decoded, Undecodable } from "../isa/isa.ts";
import { shapeOf } from "./forms.ts";
import type { OpcodeTable } from "./opcode_table.ts";
import { type MemoryOperand, parse, type Parsed } from "./parse.ts";
import { type OperandSpec, widthOf } from "./record.ts";
import { generalSlot } from "./registers.ts";
import { CS, DS, FS, gpr, segmentBase, segmentSelector, SS } from "./slots.ts";
import type { Variant } from "./variant.ts";

const RBP = 5, RSP = 4;

function slotOrZero(code: number): number {
  return code < 0 ? STATE.zero : gpr(code);
}

/** Whether a segment override means anything in flat code: fs and gs have bases, and cs cannot be written. */
function isApart({ mode }: Variant, segment: number): boolean {
  return segment >= FS || (mode === 32 && segment === CS);
}

/** Segment whose base is added to an address: -1 for none (flat). */
function effectiveSegment(variant: Variant, segment: number, { base, width }: MemoryOperand): number {
  if (variant.flat) return isApart(variant, segment) ? segment : -1;
  if (segment >= 0) return segment;
  return base === RBP || (base === RSP && width !== 16) ? SS : DS;
}

/** A ModRM operand has the general shape: an index, a segment, or an address of another width than the mode's. */
function isGeneral(variant: Variant, p: Parsed, memory: MemoryOperand): boolean {
  const { mode } = variant;
  if (memory.width !== mode) return true;
  return mode !== 16 && (memory.index >= 0 || effectiveSegment(variant, p.segment, memory) >= 0);
}

type Values = (number | bigint)[];

function pushMemory(
  values: Values,
  variant: Variant,
  p: Parsed,
  memory: MemoryOperand,
  indexed: boolean,
): void {
  const { mode } = variant, segment = effectiveSegment(variant, p.segment, memory);
  const segmentSlot = segment < 0 ? STATE.zero : segmentBase(segment);
  // POP computes the address of its destination with the stack pointer that it leaves.
  const popped = p.cell.encoding.definition.poppedBase && memory.base === RSP ? BigInt(p.size / 8) : 0n;
  const field = (value: bigint) => mode === 64 ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
  const disp = field(memory.disp + popped);
  const base = slotOrZero(memory.base), index = slotOrZero(memory.index);
  if (indexed) {
    values.push(segmentSlot, base, index, memory.scale, disp, field((1n << BigInt(memory.width)) - 1n));
  } else if (mode === 16) values.push(segmentSlot, base, index, disp);
  else values.push(base, disp);
}

function pushRegister(values: Values, code: number, width: number, hasRex: boolean): void {
  values.push(generalSlot(code, width, !hasRex));
}

function pushOperand(
  values: Values,
  variant: Variant,
  p: Parsed,
  spec: OperandSpec,
  indexed: boolean,
): void {
  const width = widthOf(spec, p.size);
  switch (spec.kind) {
    case "E":
    case "M":
    case "O":
      if (p.memory !== undefined) pushMemory(values, variant, p, p.memory, indexed);
      else pushRegister(values, p.rm, width, p.hasRex);
      return;
    case "R":
      return pushRegister(values, p.rm, width, p.hasRex);
    case "G":
      return pushRegister(values, p.reg, width, p.hasRex);
    case "Z":
      return pushRegister(values, p.opcodeReg, width, p.hasRex);
    case "register":
      return pushRegister(values, spec.code, width, true);
    case "A":
      values.push(Number(BigInt.asIntN(32, p.target)), p.selector);
      return;
    case "L":
      values.push(p.level);
      return;
    case "X":
    case "B": {
      const segment = variant.flat
        ? (isApart(variant, p.segment) ? p.segment : -1)
        : p.segment >= 0
        ? p.segment
        : DS;
      values.push(segment < 0 ? STATE.zero : segmentBase(segment));
      return;
    }
    case "Y":
      return;
    case "C":
    case "D":
    case "I":
    case "one":
      values.push(shapeOf(spec, p.size, "r") === "i64" ? BigInt(p.immediate) : p.immediate);
      return;
    case "J":
      values.push(BigInt.asIntN(64, p.target));
      return;
    case "S":
    case "segment": {
      const code = spec.kind === "S" ? p.reg : spec.code;
      values.push(segmentSelector(code), segmentBase(code), code);
    }
  }
}

/**
 * A shift by an immediate that is 0 after masking changes no flags: it is the shift by a register whose
 * count is `STATE.zero`, so that the common form need not ask.
 */
function zeroShift(table: OpcodeTable, p: Parsed): Decoded | undefined {
  const { encoding } = p.cell;
  if (encoding.definition.cycleClass !== "shift" || encoding.operands[1].kind !== "I") return undefined;
  if ((Number(p.immediate) & (p.size === 64 && encoding.opcode & 1 ? 63 : 31)) !== 0) return undefined;
  const byRegister = table.slot("none", encoding.map, encoding.opcode === 0xc0 ? 0xd2 : 0xd3);
  const cell = byRegister?.cells.find((c) => c?.size === p.size && c.encoding.extra === encoding.extra);
  if (cell === undefined) throw new TypeError(`${encoding.mnemonic} has no form with cl`);
  const values: Values = [];
  const { form, indexed } = formOf(table.variant, { ...p, cell });
  pushOperand(values, table.variant, p, encoding.operands[0], indexed);
  values.push(STATE.zero);
  return { form, length: p.length, values, relative: p.relative };
}

function formOf(variant: Variant, p: Parsed) {
  const { cell, memory } = p;
  const indexed = memory !== undefined && isGeneral(variant, p, memory);
  const form = memory === undefined ? cell.r : indexed ? cell.x : cell.m;
  if (form === undefined) throw new TypeError(`${cell.encoding.mnemonic} has no such form`);
  return { form, indexed };
}

/** Decodes one instruction at `pc`. */
export function decode(table: OpcodeTable, bytes: Uint8Array, pc: bigint): Decoded | Undecodable {
  const p = parse(table, bytes, pc);
  if ("undecodable" in p) return p;
  const zero = zeroShift(table, p);
  if (zero !== undefined) return zero;
  const { form, indexed } = formOf(table.variant, p);
  const values: Values = [];
  const { operands, definition } = p.cell.encoding;
  for (const spec of definition.ignoresOperands ? [] : operands) {
    pushOperand(values, table.variant, p, spec, indexed);
  }
  return { form, length: p.length, values, relative: p.relative };
}
