/** What the processor reads of the task state segment: stacks, and who may use ports. SDM vol. 3A, 8.2; vol. 1, 19.5.2. */
import { TR, TR_BASE, TR_LIMIT, TR_RIGHTS } from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";
import { absent, badSelector, type Descriptor, isNull, isWritable, lookUp } from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { readLinear } from "./linear.ts";
import { isLong } from "./mode.ts";
import { type Stack, stackIn, wideStack } from "./stack.ts";

/** A stack of another privilege level, and what SS gets for it: a segment, or in IA-32e mode a null selector. */
export interface InnerStack {
  readonly stack: Stack;
  readonly selector: number;
  readonly segment?: Descriptor;
}

/** Types: of a 32-bit TSS this bit is set. SDM vol. 3A, table 3-2. */
const WIDE = 8;

function isWide(vcpu: Vcpu): boolean {
  return (vcpu.state.get32(TR_RIGHTS) & WIDE) !== 0;
}

/** `size` bytes at an offset, which `needed` bytes have to follow. */
function field(vcpu: Vcpu, offset: number, size: number, needed: number, ext: number): bigint {
  const { state } = vcpu;
  if (offset + needed - 1 > state.get32(TR_LIMIT)) {
    const selector = state.get32(TR) & 0xfffc;
    throw new Fault(
      EXCEPTION.TS,
      selector | ext,
      `the task state segment ends before offset ${offset + needed}`,
    );
  }
  return readLinear(vcpu, state.get64(TR_BASE) + BigInt(offset), size);
}

/** SS and stack pointer for a privilege level, outside of IA-32e mode. */
function stackPointer(vcpu: Vcpu, level: number, ext: number): { selector: number; pointer: bigint } {
  const size = isWide(vcpu) ? 4 : 2, at = size + 2 * size * level, needed = size + 2;
  const pointer = field(vcpu, at, size, needed, ext);
  return { selector: Number(field(vcpu, at + size, 2, 2, ext)), pointer };
}

/** The stack for a transfer to `level`, more privileged than the current one. SDM vol. 2A, CALL and INT n. */
export function innerStack(vcpu: Vcpu, level: number, ext: number): InnerStack {
  if (isLong(vcpu.state)) {
    const pointer = field(vcpu, 4 + 8 * level, 8, 8, ext);
    return { stack: wideStack(pointer, ext, level), selector: level };
  }
  const { selector, pointer } = stackPointer(vcpu, level, ext);
  if (isNull(selector)) throw new Fault(EXCEPTION.TS, ext, `the stack segment for level ${level} is null`);
  const segment = lookUp(vcpu, selector, ext, EXCEPTION.TS);
  if ((selector & 3) !== level || segment.privilege !== level || !isWritable(segment)) {
    throw badSelector(selector, `names no stack segment of level ${level}`, ext, EXCEPTION.TS);
  }
  if (!segment.present) throw absent(selector, ext, EXCEPTION.SS);
  return { stack: stackIn(segment, pointer, selector & 0xfffc | ext, level), selector, segment };
}

/** Stack `index`, 1 to 7, of the interrupt stack table. SDM vol. 3A, 6.14.5 and figure 8-11. */
export function interruptStack(vcpu: Vcpu, index: number, ext: number): bigint {
  return field(vcpu, 28 + 8 * index, 8, 8, ext);
}

/** Offset of the I/O map's base, and how long a TSS is that has one. */
const IO_MAP = 0x66, IO_MAP_NEEDS = 0x68;

/** Whether the I/O permission bit map has a 0 for each of the ports. SDM vol. 1, 19.5.2. */
export function allowsPorts(vcpu: Vcpu, port: number, size: number): boolean {
  const { state } = vcpu, limit = state.get32(TR_LIMIT);
  if (!isWide(vcpu) || limit < IO_MAP_NEEDS - 1) return false;
  const base = state.get64(TR_BASE);
  const at = Number(readLinear(vcpu, base + BigInt(IO_MAP), 2)) + (port >> 3);
  // Two bytes are read, always.
  if (at + 1 > limit) return false;
  const bits = Number(readLinear(vcpu, base + BigInt(at), 2)) >> (port & 7);
  return (bits & (1 << size) - 1) === 0;
}
