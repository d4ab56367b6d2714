/** Operands in memory: where they are, and the end of a real-mode segment. */
import type { Ops, SlotRef, Value } from "../ir/ops.ts";
import { STATE } from "../ir/layout.ts";
import { BaseOperand, type OperandWidth } from "./base_operand.ts";
import { raise, VECTOR } from "./exception.ts";
import type { Binding } from "./operand.ts";
import type { Mode } from "./registers.ts";
import { RAX, segmentBase, SS } from "./slots.ts";

/**
 * Real mode: #GP, or #SS within the stack segment, for what does not end at offset ffff at the latest. SDM vol. 3A,
 * "Segment Limit Checking"; `vector` has 32 bits.
 */
export function checkLimit<V extends Value>(b: Ops<V>, offset: V, bytes: number, vector: () => V): void {
  if (bytes === 1 && offset.width === 16) return;
  const last = b.constant(offset.width, 0x1_0000 - bytes);
  b.when(b.ltu(last, offset), () => raise(b, vector()));
}

abstract class Located<V extends Value> extends BaseOperand<V> {
  override readonly isMemory = true;
  #linear: V | undefined;

  constructor(
    width: OperandWidth,
    readonly mode: Mode,
    readonly bytes: number,
    /** Slot of the segment's base, and as a number where it is known only at run time. */
    readonly base: SlotRef,
    readonly baseNumber?: V,
  ) {
    super(width);
  }

  override address(b: Ops<V>): V {
    return this.#linear ??= this.#address(b);
  }

  #address(b: Ops<V>): V {
    const offset = this.offset(b), width = this.mode === 64 ? 64 : 32;
    if (this.mode === 16) checkLimit(b, offset, this.bytes, () => this.#vector(b));
    const wide = b.zext(offset, width);
    return this.base === STATE.zero ? wide : b.add(wide, b.read(this.base, width));
  }

  #vector(b: Ops<V>): V {
    const otherwise = b.constant(32, VECTOR.GP);
    if (this.baseNumber === undefined) return otherwise;
    const isStack = b.eq(this.baseNumber, b.constant(16, segmentBase(SS)));
    return b.select(isStack, b.constant(32, VECTOR.SS), otherwise);
  }

  read(b: Ops<V>): V {
    return b.load(this.address(b), this.width);
  }
  override readForWrite(b: Ops<V>): V {
    return b.load(this.address(b), this.width, { forWrite: true });
  }
  override write(b: Ops<V>, value: V): void {
    b.store(this.address(b), value);
  }
  override displaced(b: Ops<V>, delta: V): Located<V> {
    return new Displaced(this, b.trunc(delta, this.offset(b).width));
  }
  override part(b: Ops<V>, byte: number, width: OperandWidth, forWrite = false): V {
    return b.load(partAddress(b, this.address(b), byte), width, { forWrite });
  }
}

/** Address of a part of a memory operand. */
export function partAddress<V extends Value>(b: Ops<V>, address: V, byte: number): V {
  return byte === 0 ? address : b.add(address, b.constant(address.width, byte));
}

/** A ModRM operand, or an address without ModRM. */
export class Memory<V extends Value> extends Located<V> {
  readonly #shape: "m" | "x";
  readonly #binding: Binding<V>;

  constructor(shape: "m" | "x", binding: Binding<V>) {
    const { width, mode, bytes, fields, index } = binding;
    const flat = mode !== 16 && shape === "m";
    super(
      width,
      mode,
      bytes,
      flat ? STATE.zero : fields.slot(index),
      mode === 16 ? fields.value(index, 16) : undefined,
    );
    this.#shape = shape;
    this.#binding = binding;
  }

  /** Sum of the parts that are there; a region knows which are not. */
  #sum(b: Ops<V>, slots: readonly (readonly [slot: SlotRef, scale?: V])[], disp: V): V {
    let sum = disp;
    for (const [slot, scale] of slots) {
      if (slot === STATE.zero) continue;
      const part = b.read(slot, disp.width as OperandWidth);
      sum = b.add(scale === undefined ? part : b.shl(part, scale), sum);
    }
    return sum;
  }

  override offset(b: Ops<V>): V {
    const { fields: f, index: i, mode } = this.#binding;
    if (this.#shape === "x") {
      const width = mode === 64 ? 64 : 32;
      const parts = [[f.slot(i + 1)], [f.slot(i + 2), f.value(i + 3, width)]] as const;
      return b.and(this.#sum(b, parts, f.value(i + 4, width)), f.value(i + 5, width));
    }
    if (mode === 16) return this.#sum(b, [[f.slot(i + 1)], [f.slot(i + 2)]], f.value(i + 3, 16));
    return this.#sum(b, [[f.slot(i)]], f.value(i + 1, mode));
  }
}

/** Memory at an offset from other memory, in the same segment. */
class Displaced<V extends Value> extends Located<V> {
  constructor(readonly from: Located<V>, readonly delta: V) {
    super(from.width, from.mode, from.bytes, from.base, from.baseNumber);
  }
  override offset(b: Ops<V>): V {
    return b.add(this.from.offset(b), this.delta);
  }
}

/** What a string instruction's index register points to. */
export class StringMemory<V extends Value> extends Located<V> {
  readonly #address: Mode;

  constructor(
    { width, mode, address, bytes }: Binding<V>,
    readonly register: number,
    base: SlotRef,
    baseNumber?: V,
  ) {
    super(width, mode, bytes, base, mode === 16 ? baseNumber : undefined);
    this.#address = address;
  }
  override offset(b: Ops<V>): V {
    return b.read(this.register, this.#address);
  }
}

/** XLAT's: AL counts from rBX. */
export class TableMemory<V extends Value> extends StringMemory<V> {
  override offset(b: Ops<V>): V {
    const base = super.offset(b);
    return b.add(base, b.zext(b.read(RAX, 8), base.width));
  }
}
