/** Instruction bytes taken apart: prefixes, opcode, ModRM, SIB, displacement, immediate. SDM vol. 2A, 2. */
import type { Undecodable } from "../isa/isa.ts";
import { isInvalid, missingName } from "./missing.ts";
import { type Cell, type OpcodeTable, sizeIndex, type Slot } from "./opcode_table.ts";
import { addressWidth, type OperandSize, type OperandSpec, type Prefix } from "./record.ts";
import type { Mode } from "./registers.ts";
import { CS, DS, ES, FS, GS, SS } from "./slots.ts";

export const MAX_LENGTH = 15;

/** A memory operand as encoded. Register codes 0..15, or -1 for none. */
export interface MemoryOperand {
  readonly base: number;
  readonly index: number;
  /** 0..3: the index is shifted left by this. */
  readonly scale: number;
  /** Signed; of a RIP-relative or moffs operand the absolute address. */
  readonly disp: bigint;
  readonly ripRelative: boolean;
  /** Bits of the address. */
  readonly width: Mode;
}

export interface Parsed {
  readonly cell: Cell;
  readonly size: OperandSize;
  readonly length: number;
  readonly lock: boolean;
  /** Segment override, index of the segment or -1. */
  readonly segment: number;
  readonly hasRex: boolean;
  /** Register codes with their REX bits: of ModRM.reg, of ModRM.rm (register form), of the opcode. */
  readonly reg: number;
  readonly rm: number;
  readonly opcodeReg: number;
  readonly memory?: MemoryOperand;
  /** Immediate, sign-extended to the operand size where the encoding says so. */
  readonly immediate: number | bigint;
  /** Branch target, absolute; offset of a far address; else 0. */
  readonly target: bigint;
  /** The address or target was made of `pc`. */
  readonly relative: boolean;
  /** Selector of a far address. */
  readonly selector: number;
  /** The second immediate. */
  readonly level: number;
}

const SEGMENT_PREFIX = new Map([[0x26, ES], [0x2e, CS], [0x36, SS], [0x3e, DS], [0x64, FS], [0x65, GS]]);

/** Base and index registers of 16-bit addressing, by ModRM.rm. SDM vol. 2A, table 2-1. */
const PAIRS_16: readonly (readonly [number, number])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, -1],
  [7, -1],
  [5, -1],
  [3, -1],
];

/** Two-byte opcodes before which F2 and F3 mean nothing: near branches (BND). */
const IGNORES_REPEAT: ReadonlySet<number> = new Set(Array.from({ length: 16 }, (_, cc) => 0x80 + cc));

const hex = (byte: number) => byte.toString(16).padStart(2, "0");

/** Thrown and caught within `parse`: the reason why bytes are no instruction. */
class Refusal {
  constructor(readonly reason: string, readonly invalid?: boolean, readonly truncated?: true) {}
}

class Parser {
  at = 0;
  segment = -1;
  rex = 0;
  operandSize = false;
  addressSize = false;
  lock = false;
  repeat = 0;
  reg = 0;
  rm = 0;
  immediate: number | bigint = 0;
  relative = 0;
  offset = 0;
  selector = 0;
  level = 0;

  constructor(readonly table: OpcodeTable, readonly bytes: Uint8Array, readonly pc: bigint) {}

  #take(count: number): number {
    const start = this.at;
    if (start + count > MAX_LENGTH) {
      throw new Refusal("instruction is longer than 15 bytes");
    }
    if (start + count > this.bytes.length) {
      throw new Refusal(`instruction is cut off after ${this.bytes.length} bytes`, undefined, true);
    }
    this.at = start + count;
    return start;
  }

  byte(): number {
    return this.bytes[this.#take(1)];
  }
  int8(): number {
    return this.byte() << 24 >> 24;
  }
  int16(): number {
    const at = this.#take(2), { bytes } = this;
    return (bytes[at] | bytes[at + 1] << 8) << 16 >> 16;
  }
  int32(): number {
    const at = this.#take(4), { bytes } = this;
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
  }
  int64(): bigint {
    const at = this.#take(8), { buffer, byteOffset } = this.bytes;
    return new DataView(buffer, byteOffset + at, 8).getBigInt64(0, true);
  }

  /** Takes prefixes and gives the first opcode byte. */
  #prefixes(): number {
    for (;;) {
      const byte = this.byte();
      const segment = SEGMENT_PREFIX.get(byte);
      if (this.table.mode === 64 && (byte & 0xf0) === 0x40) {
        this.rex = byte;
        continue;
      }
      if (segment !== undefined) {
        // Long mode ignores the other four, but they do not undo FS or GS before them.
        if (this.table.mode !== 64 || segment >= FS) this.segment = segment;
      } else if (byte === 0x66) this.operandSize = true;
      else if (byte === 0xf0) this.lock = true;
      else if (byte === 0xf2 || byte === 0xf3) this.repeat = byte;
      else if (byte === 0x67) this.addressSize = true;
      else return byte;
      // A REX prefix counts only right before the opcode.
      this.rex = 0;
    }
  }

  parse(): Parsed {
    let opcode = this.#prefixes(), map = 0;
    if (opcode === 0x0f) {
      map = 0x0f;
      opcode = this.byte();
    }
    const { mode } = this.table, w = (this.rex & 8) !== 0;
    const size: OperandSize = w ? 64 : this.operandSize ? (mode === 16 ? 32 : 16) : mode === 16 ? 16 : 32;
    const width = addressWidth(mode, this.addressSize);
    const slot = this.#slot(map, opcode);
    const modrm = slot?.hasModrm ? this.byte() : -1;
    const cell = slot && this.#cell(slot, modrm, sizeIndex(size));
    if (cell === undefined) {
      // What may be locked is all there: LOCK before anything else is invalid.
      const invalid = this.lock || isInvalid(this.table.variant, map, opcode, modrm);
      throw new Refusal(this.#missing(map, opcode, modrm), invalid || undefined);
    }
    const { encoding } = cell;
    if (cell.refused) {
      throw new Refusal(
        `${encoding.mnemonic} is not recognized in ${this.table.variant.selectors} mode`,
        true,
      );
    }
    if (this.operandSize && encoding.attributes.noPrefix) {
      throw new Refusal(`operand-size prefix 66 on ${encoding.mnemonic} is not implemented`);
    }
    this.reg = modrm >> 3 & 7 | (this.rex & 4) << 1;
    let memory: MemoryOperand | undefined;
    if (modrm >= 0 && modrm < 0xc0 && !encoding.attributes.anyMod && encoding.modrm !== "fixed") {
      memory = width === 16 ? this.#memory16(modrm) : this.#memory(modrm, width);
    } else this.rm = modrm & 7 | (this.rex & 1) << 3;
    for (const operand of encoding.operands) {
      const direct = this.#immediate(operand, cell.size, width);
      if (direct !== undefined) memory = direct;
    }
    this.#checkSegment(cell, modrm);
    this.#checkLock(cell, memory !== undefined);
    const end = this.pc + BigInt(this.at);
    if (memory?.ripRelative) {
      memory = { ...memory, disp: BigInt.asIntN(64, BigInt.asUintN(width, end + memory.disp)) };
    }
    const kind = encoding.operands[0]?.kind;
    const target = kind === "A"
      ? BigInt(this.offset)
      : kind === "J"
      ? BigInt.asUintN(mode === 64 ? 64 : cell.size, end + BigInt(this.relative))
      : 0n;
    // Elsewhere the limit is a slot's, and the branch itself checks it.
    if (this.table.variant.selectors === "real" && target > 0xffffn) {
      throw new Refusal(`branch target ${target.toString(16)} is beyond the 64 KiB of a real-mode segment`);
    }
    return {
      cell,
      size: cell.size,
      length: this.at,
      lock: this.lock,
      segment: this.segment,
      hasRex: this.rex !== 0,
      reg: this.reg,
      rm: this.rm,
      opcodeReg: opcode & 7 | (this.rex & 1) << 3,
      memory,
      immediate: this.immediate,
      target,
      relative: kind === "J" || memory?.ripRelative === true,
      selector: this.selector,
      level: this.level,
    };
  }

  #slot(map: number, opcode: number): Slot | undefined {
    const { table, addressSize } = this;
    const slotOf = (prefix: Prefix) =>
      (addressSize ? table.slot(prefix, map, opcode, true) : undefined) ?? table.slot(prefix, map, opcode);
    const plain = () => (this.rex & 1 ? slotOf("rex.b") : undefined) ?? slotOf("none");
    if (this.repeat === 0) return plain();
    const slot = slotOf(this.repeat === 0xf3 ? "f3" : "f2") ??
      (map === 0 || IGNORES_REPEAT.has(opcode) ? plain() : undefined);
    // Of one byte, what is not implemented is named as it is without the prefix.
    if (slot === undefined && map !== 0) {
      const name = this.repeat === 0xf3 ? "f3 (REP)" : "f2 (REPNE)";
      throw new Refusal(
        `prefix ${name} on opcode ${map ? "0f " : ""}${hex(opcode)} is not implemented`,
        this.lock || undefined,
      );
    }
    return slot;
  }

  #cell(slot: Slot, modrm: number, size: number): Cell | undefined {
    if (modrm < 0) return slot.cells[size];
    return slot.fixed.get(size * 256 + modrm) ??
      slot.cells[size * 16 + (modrm >= 0xc0 ? 8 : 0) + (modrm >> 3 & 7)];
  }

  #missing(map: number, opcode: number, modrm: number): string {
    const prefix = this.operandSize ? "66 " : "";
    const bytes = `${map ? "0f " : ""}${hex(opcode)}${modrm < 0 ? "" : ` /${modrm >> 3 & 7}`}`;
    const name = missingName(this.table.mode, map, opcode);
    return `opcode ${prefix}${bytes} is not implemented${name === undefined ? "" : ` (${name})`}`;
  }

  #memory16(modrm: number): MemoryOperand {
    const mod = modrm >> 6, rm = modrm & 7;
    const absolute = mod === 0 && rm === 6;
    const [base, index] = absolute ? [-1, -1] : PAIRS_16[rm];
    const disp = absolute || mod === 2 ? this.int16() : mod === 1 ? this.int8() : 0;
    return { base, index, scale: 0, disp: BigInt(disp), ripRelative: false, width: 16 };
  }

  #memory(modrm: number, width: 32 | 64): MemoryOperand {
    const mod = modrm >> 6;
    let base = modrm & 7, index = -1, scale = 0, ripRelative = false;
    if (base === 4) {
      const sib = this.byte();
      index = sib >> 3 & 7 | (this.rex & 2) << 2;
      scale = sib >> 6;
      base = sib & 7;
      if (index === 4) index = -1;
      if (base === 5 && mod === 0) base = -1;
    } else if (base === 5 && mod === 0) {
      base = -1;
      ripRelative = this.table.mode === 64;
    }
    if (base >= 0) base |= (this.rex & 1) << 3;
    const disp = mod === 1 ? this.int8() : mod === 2 || base < 0 ? this.int32() : 0;
    return { base, index, scale, disp: BigInt(disp), ripRelative, width };
  }

  /** Takes what an operand has after ModRM; gives memory for an address without ModRM. */
  #immediate(spec: OperandSpec, size: OperandSize, width: Mode): MemoryOperand | undefined {
    if (spec.kind === "O") {
      const disp = width === 64 ? this.int64() : BigInt(width === 32 ? this.int32() : this.int16());
      return { base: -1, index: -1, scale: 0, disp, ripRelative: false, width };
    }
    if (spec.kind === "A") {
      this.offset = size === 16 ? this.int16() & 0xffff : this.int32() >>> 0;
      this.selector = this.int16() & 0xffff;
    } else if (spec.kind === "L") {
      this.level = this.byte();
    } else if (spec.kind === "C" || spec.kind === "D") {
      this.immediate = this.reg;
      this.#checkSpecial(spec.kind);
    } else if (spec.kind === "J") {
      this.relative = spec.size === "b" ? this.int8() : size === 16 ? this.int16() : this.int32();
    } else if (spec.kind === "I") {
      if (spec.size === "b" || spec.size === "s") this.immediate = this.int8();
      else if (spec.size === "w" || size === 16) this.immediate = this.int16();
      else if (spec.size === "v" && size === 64) this.immediate = this.int64();
      else this.immediate = this.int32();
    } else if (spec.kind === "one") this.immediate = 1;
    return undefined;
  }

  #checkSegment(cell: Cell, modrm: number): void {
    if (!cell.encoding.operands.some((o) => o.kind === "S")) return;
    const code = this.reg = modrm >> 3 & 7;
    if (code > GS) throw new Refusal(`segment register ${code} does not exist`, true);
    const isLoad = cell.encoding.operands[0].kind === "S";
    if (isLoad && code === CS) {
      throw new Refusal("mov to cs is not a valid instruction: use a far jump", true);
    }
  }

  /** CR0, CR2, CR3, CR4 and CR8; DR0 to DR7. SDM vol. 2B, "MOV--Move to/from Control Registers". */
  #checkSpecial(kind: "C" | "D"): void {
    const { mode } = this.table, exists = kind === "D" ? 0xff : mode === 64 ? 0x11d : 0x1d;
    if ((exists >> this.reg & 1) === 0) {
      throw new Refusal(`${kind === "C" ? "control" : "debug"} register ${this.reg} does not exist`, true);
    }
  }

  #checkLock(cell: Cell, isMemory: boolean): void {
    if (!this.lock) return;
    const { definition, mnemonic, operands } = cell.encoding;
    if (!definition.lock) throw new Refusal(`prefix f0 (LOCK) is not allowed on ${mnemonic}`, true);
    // XCHG's and every other lockable instruction's memory operand is ModRM.rm, and it is written.
    if (!isMemory || (operands[0].kind !== "E" && operands[0].kind !== "M")) {
      throw new Refusal(`prefix f0 (LOCK) on ${mnemonic} needs a memory destination`, true);
    }
  }
}

/** Takes one instruction apart. */
export function parse(table: OpcodeTable, bytes: Uint8Array, pc: bigint): Parsed | Undecodable {
  const parser = new Parser(table, bytes, pc);
  try {
    return parser.parse();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    return {
      undecodable: true,
      length: Math.max(1, Math.min(parser.at, bytes.length)),
      reason: refusal.reason,
      ...(refusal.invalid ? { invalid: true } : {}),
      ...(refusal.truncated ? { truncated: refusal.truncated } : {}),
    };
  }
}
