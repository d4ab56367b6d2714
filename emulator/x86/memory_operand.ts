/** Operands in memory: where they are, and whether their segment lets them be reached. */
import type { Ops, SlotRef, Value } from "../ir/ops.ts";
import { STATE } from "../ir/layout.ts";
import { BaseOperand, type OperandWidth } from "./base_operand.ts";
import { raise, VECTOR } from "./exception.ts";
import type { Binding } from "./operand.ts";
import type { Mode } from "./registers.ts";
import { type Access, checkLimit, isOutside } from "./segment_limit.ts";
import { RAX, segmentBase, SS } from "./slots.ts";
import type { Variant } from "./variant.ts";

abstract class Located<V extends Value> extends BaseOperand<V> {
  override readonly isMemory = true;
  #offset: V | undefined;
  #linear: V | undefined;
  /** What has been checked; what may be written may be read. */
  #checked: Access = "none";

  constructor(
    width: OperandWidth,
    readonly variant: Variant,
    readonly bytes: number,
    /** Slot of the segment's base, and as a number where it is known only at run time. */
    readonly base: SlotRef,
    readonly baseNumber?: V,
  ) {
    super(width);
  }

  override address(b: Ops<V>, access: Access = "read", bytes: number = this.bytes): V {
    const offset = this.#offset ??= this.offset(b);
    const isKnown = this.#checked === "write" || this.#checked === access;
    if (access !== "none" && !isKnown) {
      this.#check(b, offset, access, bytes);
      this.#checked = access;
    }
    return this.#linear ??= this.#address(b, offset);
  }

  #address(b: Ops<V>, offset: V): V {
    const width = this.variant.mode === 64 ? 64 : 32, wide = b.zext(offset, width);
    return this.base === STATE.zero ? wide : b.add(wide, b.read(this.base, width));
  }

  #check(b: Ops<V>, offset: V, access: "read" | "write", bytes: number): void {
    const { mode, selectors, flat } = this.variant;
    if (selectors === "real") {
      // One limit for loads and stores.
      if (this.#checked === "none") checkLimit(b, offset, bytes, () => this.#vector(b));
      return;
    }
    // 64-bit mode has no limits.
    if (mode === 64 || this.base === STATE.zero) return;
    const check = () =>
      b.when(isOutside(b, this.base, offset, bytes, access), () => raise(b, this.#vector(b)));
    if (!flat || this.baseNumber === undefined || typeof this.base === "number") return check();
    // In flat code the general shape mostly has no segment.
    b.when(b.ne(this.baseNumber, b.constant(16, STATE.zero)), check);
  }

  #vector(b: Ops<V>): V {
    const otherwise = b.constant(32, VECTOR.GP);
    if (this.baseNumber === undefined || this.variant.flat) return otherwise;
    const isStack = b.eq(this.baseNumber, b.constant(16, segmentBase(SS)));
    return b.select(isStack, b.constant(32, VECTOR.SS), otherwise);
  }

  read(b: Ops<V>): V {
    return b.load(this.address(b), this.width);
  }
  override readForWrite(b: Ops<V>): V {
    return b.load(this.address(b, "write"), this.width, { forWrite: true });
  }
  override write(b: Ops<V>, value: V): void {
    b.store(this.address(b, "write"), value);
  }
  override displaced(b: Ops<V>, delta: V): Located<V> {
    return new Displaced(this, b.trunc(delta, this.offset(b).width));
  }
  override part(b: Ops<V>, byte: number, width: OperandWidth, forWrite = false): V {
    const start = this.address(b, forWrite ? "write" : "read");
    return b.load(partAddress(b, start, byte), width, { forWrite });
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
    const { width, mode, variant, bytes, fields, index } = binding;
    const bare = mode !== 16 && shape === "m";
    super(
      width,
      variant,
      bytes,
      bare ? STATE.zero : fields.slot(index),
      bare ? undefined : fields.value(index, 16),
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
    super(from.width, from.variant, from.bytes, from.base, from.baseNumber);
  }
  override offset(b: Ops<V>): V {
    return b.add(this.from.offset(b), this.delta);
  }
}

/** What a string instruction's index register points to. */
export class StringMemory<V extends Value> extends Located<V> {
  readonly #address: Mode;

  constructor(
    { width, variant, address, bytes }: Binding<V>,
    readonly register: number,
    base: SlotRef,
    baseNumber?: V,
  ) {
    super(width, variant, bytes, base, baseNumber);
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
