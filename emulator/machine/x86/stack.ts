/** The stack as far transfers and deliveries use it: its segment's limits, and the width of its pointer. SDM vol. 3A, 6.2; vol. 1, 6.2.3. */
import type { StateView } from "../../isa/isa.ts";
import {
  RSP,
  segmentBase,
  segmentReadable,
  segmentRights,
  segmentSelector,
  segmentWritable,
  SS,
} from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";
import { type Descriptor, rangeOf } from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { type LinearWrite, readLinear, writeLinear } from "./linear.ts";
import { is64 } from "./mode.ts";

export interface Stack {
  readonly base: bigint;
  /** Offsets that may be read and written, as the slots have them. */
  readonly readable: bigint;
  readonly writable: bigint;
  readonly width: 16 | 32 | 64;
  readonly pointer: bigint;
  /** Error code of the #SS where it ends. */
  readonly code: number;
  /** Privilege level that it is reached with. */
  readonly privilege: number;
}

const B = 0x4000n;
const EVERYWHERE = 0xffff_ffffn << 32n;

/** 64-bit mode's: without limits. */
export function wideStack(pointer: bigint, code: number, privilege: number): Stack {
  return { base: 0n, readable: EVERYWHERE, writable: EVERYWHERE, width: 64, pointer, code, privilege };
}

/** What SS and the stack pointer name now. */
export function currentStack(state: StateView, privilege: number, code = 0): Stack {
  const pointer = state.get64(RSP);
  if (is64(state)) return wideStack(pointer, code, privilege);
  return {
    base: state.get64(segmentBase(SS)),
    readable: state.get64(segmentReadable(SS)),
    writable: state.get64(segmentWritable(SS)),
    width: state.get64(segmentRights(SS)) & B ? 32 : 16,
    pointer,
    code,
    privilege,
  };
}

/** The one that a transfer to another privilege level changes to. */
export function stackIn(segment: Descriptor, pointer: bigint, code: number, privilege: number): Stack {
  const range = rangeOf(segment), width = segment.big ? 32 : 16;
  return { base: segment.base, readable: range, writable: range, width, pointer, code, privilege };
}

/** The linear address at an offset from the stack pointer, checked. */
function place(stack: Stack, by: number, size: number, range: bigint): bigint {
  const { width, pointer, base, code } = stack;
  const offset = BigInt.asUintN(width, pointer + BigInt(by));
  if (width === 64) return offset;
  const first = range & 0xffff_ffffn, last = range >> 32n;
  if (offset < first || offset + BigInt(size - 1) > last) {
    throw new Fault(EXCEPTION.SS, code, `the stack does not hold offset 0x${offset.toString(16)}`);
  }
  return BigInt.asUintN(32, base + offset);
}

const notCanonical = ({ code }: Stack) => () =>
  new Fault(EXCEPTION.SS, code, "the stack pointer is not canonical");

/** A frame that is to lie below the stack pointer. Where there is no room for it, this throws. */
export class Frame {
  readonly #stack: Stack;
  readonly #writes: readonly LinearWrite[];
  /** The stack pointer below it. */
  readonly pointer: bigint;

  /** The first value lies highest; each takes `size` bytes. */
  constructor(stack: Stack, values: readonly bigint[], size: number) {
    this.#stack = stack;
    this.#writes = values.map((value, i) => ({
      address: place(stack, -(i + 1) * size, size, stack.writable),
      size,
      value,
    }));
    this.pointer = BigInt.asUintN(stack.width, stack.pointer - BigInt(values.length * size));
  }
  write(vcpu: Vcpu): void {
    writeLinear(vcpu, this.#writes, notCanonical(this.#stack), this.#stack.privilege === 3);
  }
  /** Moves the stack pointer. */
  enter(state: StateView): void {
    setStackPointer(state, this.pointer, this.#stack.width);
  }
}

/** `count` words from the stack pointer, or `skip` bytes above it, on. */
export function peek(vcpu: Vcpu, stack: Stack, count: number, size: number, skip = 0): bigint[] {
  const user = stack.privilege === 3, fault = notCanonical(stack);
  const places = Array.from({ length: count }, (_, n) => place(stack, skip + n * size, size, stack.readable));
  return places.map((address) => readLinear(vcpu, address, size, fault, user));
}

/** The stack pointer with `bytes` taken off the stack. */
export function above({ pointer, width }: Pick<Stack, "pointer" | "width">, bytes: number): bigint {
  return BigInt.asUintN(width, pointer + BigInt(bytes));
}

/** A 16-bit stack's pointer is SP: the rest of ESP stays. */
export function setStackPointer(state: StateView, pointer: bigint, width: 16 | 32 | 64): void {
  state.set64(
    RSP,
    width === 16 ? state.get64(RSP) & ~0xffffn | pointer & 0xffffn : BigInt.asUintN(width, pointer),
  );
}

/** Width of the stack pointer as SS stands. */
export function stackWidth(state: StateView): 16 | 32 | 64 {
  return is64(state) ? 64 : state.get64(segmentRights(SS)) & B ? 32 : 16;
}

export function stackSelector(state: StateView): bigint {
  return state.get64(segmentSelector(SS)) & 0xffffn;
}
