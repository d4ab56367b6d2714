/**
 * Operands as a definition sees them: something with a width to read and write. What stands behind it
 * (register, memory in one of two shapes, immediate) is fixed when a form is built; only slots,
 * displacements and immediates are left open, as the form's fields.
 *
 * | shape | modes | fields | linear address |
 * |---|---|---|---|
 * | `r` | all | slot | - |
 * | `m` | 32 flat, 64 | base, disp | base + disp |
 * | `m` | 16 | segment base, base, index, disp | segment + ((base + index + disp) mod 64 KiB) |
 * | `x` | all | segment base, base, index, scale, disp, mask | segment + ((base + (index << scale) + disp) & mask) |
 * | `source` | all | segment base | segment + rSI |
 * | `table` | all | segment base | segment + rBX + AL |
 * | `destination` | all | - | ES + rDI |
 * | `i` | all | value | - |
 * | `j` | all | target (absolute) | - |
 * | `far` | all | offset, selector | - |
 * | `s` | all | selector, base, index of the segment | - |
 *
 * `STATE.zero` stands for a base, index or segment base that is absent. In mode 64 the displacement is 64
 * bits wide: a RIP-relative operand is decoded to its absolute address. The mask of `x` is what 67h leaves of
 * an address.
 */
import type { Fields, Ops, SlotRef, Value } from "../ir/ops.ts";
import { STATE } from "../ir/layout.ts";
import type { FieldKind } from "../isa/isa.ts";
import { BaseOperand, type Operand, type OperandWidth, writeRegister } from "./base_operand.ts";
import { Memory, StringMemory, TableMemory } from "./memory_operand.ts";
import type { Mode } from "./registers.ts";
import { ES, RBX, RDI, RSI, segmentBase } from "./slots.ts";
import type { Variant } from "./variant.ts";
import { writeBaseSelector } from "./segment_register.ts";

export { type Operand, type OperandWidth, writeRegister };

export type Shape = "r" | "m" | "x" | "i" | "i64" | "j" | "s" | "source" | "destination" | "table" | "far";

/** What an operand's shape is bound to. */
export interface Binding<V extends Value> {
  readonly width: OperandWidth;
  /** Bytes of memory that it stands for. */
  readonly bytes: number;
  readonly mode: Mode;
  readonly variant: Variant;
  /** Bits of an address. */
  readonly address: Mode;
  readonly fields: Fields<V>;
  /** Of its first field. */
  readonly index: number;
}

/** Fields that an operand of a shape takes. */
export function fieldsOf(shape: Shape, mode: Mode): readonly FieldKind[] {
  const address = mode === 64 ? "i64" : "i32";
  switch (shape) {
    case "r":
    case "source":
    case "table":
      return ["slot"];
    case "m":
      return mode === 16 ? ["slot", "slot", "slot", "i32"] : ["slot", address];
    case "x":
      return ["slot", "slot", "slot", "i32", address, address];
    case "i":
      return ["i32"];
    case "i64":
    case "j":
      return ["i64"];
    case "far":
      return ["i32", "i32"];
    case "s":
      return ["slot", "slot", "slot"];
    case "destination":
      return [];
  }
}

class Register<V extends Value> extends BaseOperand<V> {
  constructor(width: OperandWidth, readonly mode: Mode, readonly slot: SlotRef) {
    super(width);
  }
  read(b: Ops<V>): V {
    return b.read(this.slot, this.width);
  }
  override write(b: Ops<V>, value: V): void {
    writeRegister(b, this.mode, this.slot, value);
  }
}

class Immediate<V extends Value> extends BaseOperand<V> {
  override readonly isImmediate = true;
  constructor(width: OperandWidth, readonly fields: Fields<V>, readonly index: number) {
    super(width);
  }
  read(_b: Ops<V>): V {
    return this.fields.value(this.index, this.width);
  }
}

/** Its value is the offset, its part at any byte but 0 the selector. */
class FarAddress<V extends Value> extends Immediate<V> {
  override part(_b: Ops<V>, byte: number, width: OperandWidth): V {
    return this.fields.value(byte === 0 ? this.index : this.index + 1, width);
  }
}

class Segment<V extends Value> extends BaseOperand<V> {
  constructor(readonly variant: Variant, readonly fields: Fields<V>, readonly index: number) {
    super(16);
  }
  read(b: Ops<V>): V {
    return b.read(this.fields.slot(this.index), 16);
  }
  /** In protected mode the trap reads the descriptor; it has to come before the first write. */
  override write(b: Ops<V>, value: V): void {
    if (this.variant.selectors === "protected") {
      return b.trap("load_segment", [b.zext(this.fields.value(this.index + 2, 16), 32), value]);
    }
    writeBaseSelector(b, this.variant, this.fields.slot(this.index), this.fields.slot(this.index + 1), value);
  }
}

/** An operand. Make it anew for each reading of a definition. */
export function bindOperand<V extends Value>(shape: Shape, binding: Binding<V>): Operand<V> {
  const { width, mode, variant, fields, index } = binding;
  switch (shape) {
    case "r":
      return new Register(width, mode, fields.slot(index));
    case "m":
    case "x":
      return new Memory(shape, binding);
    case "source":
      return new StringMemory(binding, RSI, fields.slot(index), fields.value(index, 16));
    case "destination":
      return new StringMemory(binding, RDI, variant.flat ? STATE.zero : segmentBase(ES));
    case "table":
      return new TableMemory(binding, RBX, fields.slot(index), fields.value(index, 16));
    case "far":
      return new FarAddress(width, fields, index);
    case "s":
      return new Segment(variant, fields, index);
    default:
      return new Immediate(width, fields, index);
  }
}
