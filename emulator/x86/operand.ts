/**
 * Operands as a definition sees them: something with a width to read and write. What stands behind it
 * (register, memory in one of two shapes, immediate) is fixed when a form is built; only slots,
 * displacements and immediates are left open, as the form's fields.
 *
 * | shape | modes | fields | linear address |
 * |---|---|---|---|
 * | `r` | all | slot | - |
 * | `m` | 32, 64 | base, disp | base + disp |
 * | `x` | 32, 64 | segment base, base, index, scale, disp | segment + base + (index << scale) + disp |
 * | `m` | 16 | segment base, base, index, disp | segment + ((base + index + disp) mod 64 KiB) |
 * | `i` | all | value | - |
 * | `j` | all | target (absolute) | - |
 * | `s` | all | selector, base | - |
 *
 * `STATE.zero` stands for a base, index or segment base that is absent. In mode 64 the displacement is 64
 * bits wide: a RIP-relative operand is decoded to its absolute address. A real processor raises #GP for an
 * access that crosses the end of a real-mode segment; here it goes on past it.
 */
import type { Fields, Ops, SlotRef, Value } from "../ir/ops.ts";
import { STATE } from "../ir/layout.ts";
import type { FieldKind } from "../isa/isa.ts";
import type { Mode } from "./registers.ts";

export type Shape = "r" | "m" | "x" | "i" | "i64" | "j" | "s";

export interface Operand<V extends Value> {
  readonly width: 8 | 16 | 32 | 64;
  readonly isMemory: boolean;
  readonly isImmediate: boolean;
  read(b: Ops<V>): V;
  /** The value, or for memory the result of a load that fails if the later `write` would. */
  readForWrite(b: Ops<V>): V;
  write(b: Ops<V>, value: V): void;
  /** Memory: the offset within the segment, of address width. */
  offset(b: Ops<V>): V;
}

/** Fields that an operand of a shape takes. */
export function fieldsOf(shape: Shape, mode: Mode): readonly FieldKind[] {
  switch (shape) {
    case "r":
      return ["slot"];
    case "m":
      if (mode === 16) return ["slot", "slot", "slot", "i32"];
      return ["slot", mode === 64 ? "i64" : "i32"];
    case "x":
      return ["slot", "slot", "slot", "i32", mode === 64 ? "i64" : "i32"];
    case "i":
      return ["i32"];
    case "i64":
    case "j":
      return ["i64"];
    case "s":
      return ["slot", "slot"];
  }
}

/** Writes a general register: a 32-bit value clears the upper half in mode 64. SDM vol. 1, 3.4.1.1. */
export function writeRegister<V extends Value>(b: Ops<V>, mode: Mode, slot: SlotRef, value: V): void {
  b.write(slot, mode === 64 && value.width === 32 ? b.zext(value, 64) : value);
}

abstract class Base<V extends Value> implements Operand<V> {
  readonly isMemory: boolean = false;
  readonly isImmediate: boolean = false;
  constructor(readonly width: 8 | 16 | 32 | 64) {}
  abstract read(b: Ops<V>): V;
  readForWrite(b: Ops<V>): V {
    return this.read(b);
  }
  write(_b: Ops<V>, _value: V): void {
    throw new TypeError("this operand cannot be written");
  }
  offset(_b: Ops<V>): V {
    throw new TypeError("this operand has no address");
  }
}

class Register<V extends Value> extends Base<V> {
  constructor(width: 8 | 16 | 32 | 64, readonly mode: Mode, readonly slot: SlotRef) {
    super(width);
  }
  read(b: Ops<V>): V {
    return b.read(this.slot, this.width);
  }
  override write(b: Ops<V>, value: V): void {
    writeRegister(b, this.mode, this.slot, value);
  }
}

class Immediate<V extends Value> extends Base<V> {
  override readonly isImmediate = true;
  constructor(width: 8 | 16 | 32 | 64, readonly fields: Fields<V>, readonly index: number) {
    super(width);
  }
  read(_b: Ops<V>): V {
    return this.fields.value(this.index, this.width);
  }
}

class Segment<V extends Value> extends Base<V> {
  constructor(readonly fields: Fields<V>, readonly index: number) {
    super(16);
  }
  read(b: Ops<V>): V {
    return b.read(this.fields.slot(this.index), 16);
  }
  /** Real mode: the base is the selector times 16. SDM vol. 3B, "Address Translation in Real-Address Mode". */
  override write(b: Ops<V>, value: V): void {
    b.write(this.fields.slot(this.index), value);
    b.write(this.fields.slot(this.index + 1), b.shl(b.zext(value, 32), b.constant(32, 4)));
  }
}

class Memory<V extends Value> extends Base<V> {
  override readonly isMemory = true;
  #linear: V | undefined;
  constructor(
    width: 8 | 16 | 32 | 64,
    readonly shape: "m" | "x",
    readonly mode: Mode,
    readonly fields: Fields<V>,
    readonly index: number,
  ) {
    super(width);
  }

  /** Sum of the parts that are there; a region knows which are not. */
  #sum(b: Ops<V>, slots: readonly (readonly [slot: SlotRef, scale?: V])[], disp: V): V {
    let sum = disp;
    for (const [slot, scale] of slots) {
      if (slot === STATE.zero) continue;
      const part = b.read(slot, this.mode);
      sum = b.add(scale === undefined ? part : b.shl(part, scale), sum);
    }
    return sum;
  }

  override offset(b: Ops<V>): V {
    const { fields: f, index: i, mode } = this;
    if (mode === 16) return this.#sum(b, [[f.slot(i + 1)], [f.slot(i + 2)]], f.value(i + 3, 16));
    if (this.shape === "m") return this.#sum(b, [[f.slot(i)]], f.value(i + 1, mode));
    return this.#sum(b, [[f.slot(i + 1)], [f.slot(i + 2), f.value(i + 3, mode)]], f.value(i + 4, mode));
  }

  #address(b: Ops<V>): V {
    if (this.#linear !== undefined) return this.#linear;
    const offset = this.offset(b);
    if (this.mode !== 16 && this.shape === "m") return this.#linear = offset;
    const wide = this.mode === 16 ? b.zext(offset, 32) : offset;
    const segment = this.fields.slot(this.index);
    if (segment === STATE.zero) return this.#linear = wide;
    return this.#linear = b.add(wide, b.read(segment, wide.width));
  }

  read(b: Ops<V>): V {
    return b.load(this.#address(b), this.width);
  }
  override readForWrite(b: Ops<V>): V {
    return b.load(this.#address(b), this.width, { forWrite: true });
  }
  override write(b: Ops<V>, value: V): void {
    b.store(this.#address(b), value);
  }
}

/** An operand whose fields start at `index`. Make it anew for each reading of a definition. */
export function bindOperand<V extends Value>(
  shape: Shape,
  width: 8 | 16 | 32 | 64,
  mode: Mode,
  fields: Fields<V>,
  index: number,
): Operand<V> {
  switch (shape) {
    case "r":
      return new Register(width, mode, fields.slot(index));
    case "m":
    case "x":
      return new Memory(width, shape, mode, fields, index);
    case "s":
      return new Segment(fields, index);
    default:
      return new Immediate(width, fields, index);
  }
}
