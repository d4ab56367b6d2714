/** What every operand of a definition can be asked, and what those answer that cannot. */
import type { Ops, SlotRef, Value } from "../ir/ops.ts";
import type { Mode } from "./registers.ts";
import type { Access } from "./segment_limit.ts";

export type OperandWidth = 8 | 16 | 32 | 64;

export interface Operand<V extends Value> {
  readonly width: OperandWidth;
  readonly isMemory: boolean;
  readonly isImmediate: boolean;
  read(b: Ops<V>): V;
  /** The value, or for memory the result of a load that fails if the later `write` would. */
  readForWrite(b: Ops<V>): V;
  write(b: Ops<V>, value: V): void;
  /** Memory: the offset within the segment, of address width. */
  offset(b: Ops<V>): V;
  /**
   * Memory: the linear address, 64 bits wide in mode 64, else 32; faults where the segment does not let `bytes` (its own
   * if not given) be reached so.
   */
  address(b: Ops<V>, access?: Access, bytes?: number): V;
  /** Memory: the same operand `delta` bytes further on, a number of 64 bits with its sign. */
  displaced(b: Ops<V>, delta: V): Operand<V>;
  /** A part of memory, or of a far address, from a byte on. */
  part(b: Ops<V>, byte: number, width: OperandWidth, forWrite?: boolean): V;
}

/** Writes a general register: a 32-bit value clears the upper half in mode 64. SDM vol. 1, 3.4.1.1. */
export function writeRegister<V extends Value>(b: Ops<V>, mode: Mode, slot: SlotRef, value: V): void {
  b.write(slot, mode === 64 && value.width === 32 ? b.zext(value, 64) : value);
}

/** An operand that can be read. */
export abstract class BaseOperand<V extends Value> implements Operand<V> {
  readonly isMemory: boolean = false;
  readonly isImmediate: boolean = false;
  constructor(readonly width: OperandWidth) {}
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
  address(b: Ops<V>, _access?: Access, _bytes?: number): V {
    return this.offset(b);
  }
  displaced(b: Ops<V>, _delta: V): Operand<V> {
    this.offset(b);
    return this;
  }
  part(b: Ops<V>, _byte: number, _width: OperandWidth, _forWrite?: boolean): V {
    return this.offset(b);
  }
}
