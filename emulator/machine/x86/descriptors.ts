/** Segment descriptors: what they say. SDM vol. 3A, 3.4.5, 3.5 and 5.2 to 5.3. */
import { GDT_BASE, GDT_LIMIT, LDTR_BASE, LDTR_LIMIT } from "../../x86/slots.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { readLinear, setBits } from "./linear.ts";
import { isLong } from "./mode.ts";
import type { Vcpu } from "../vcpu.ts";

/** A descriptor, SDM vol. 3A, figure 3-8. */
export interface Descriptor {
  readonly selector: number;
  /** Linear address of its first byte. */
  readonly address: bigint;
  /** Its first 8 bytes. */
  readonly bits: bigint;
  /** S is 0: a TSS, an LDT or a gate. */
  readonly system: boolean;
  /** Four bits: of a segment accessed, writable or readable, expand-down or conforming, code. */
  readonly type: number;
  readonly privilege: number;
  readonly present: boolean;
  /** 32 bits; of a system descriptor in IA-32e mode 64. */
  readonly base: bigint;
  /** Offset of the last byte. */
  readonly limit: number;
  /** L: 64-bit code. */
  readonly long: boolean;
  /** D or B: 32-bit code or stack. */
  readonly big: boolean;
}

const ACCESSED = 1, WRITABLE = 2, READABLE = 2, EXPAND_DOWN = 4, CONFORMING = 4, CODE = 8;
/** Fields of an error code that names a selector: table and index. SDM vol. 3A, figure 6-7. */
const INDEX = 0xfffc;
/** Of a descriptor's upper half, what the access rights of a segment register are. */
const RIGHTS = 0xf0ffn;
/** A range of offsets that holds none. */
export const NO_RANGE = 1n;

const hex = (value: number) => `0x${value.toString(16)}`;

export function isNull(selector: number): boolean {
  return (selector & INDEX) === 0;
}

/** The exception, #GP unless said otherwise, that names a selector. */
export function badSelector(
  selector: number,
  why: string,
  ext = 0,
  vector: number = EXCEPTION.GP,
): Fault {
  return new Fault(vector, selector & INDEX | ext, `selector ${hex(selector)} ${why}`);
}
/** #NP, or #SS for a stack segment. */
export function absent(selector: number, ext = 0, vector: number = EXCEPTION.NP): Fault {
  return badSelector(selector, "names a segment that is not present", ext, vector);
}

/** Where the descriptor stands that a selector names, or why there is none. In IA-32e mode system descriptors have 16 bytes. */
function find(vcpu: Vcpu, selector: number): Descriptor | string {
  const { state } = vcpu, local = (selector & 4) !== 0;
  const base = state.get64(local ? LDTR_BASE : GDT_BASE);
  const limit = state.get32(local ? LDTR_LIMIT : GDT_LIMIT), index = selector & 0xfff8;
  const table = local ? "LDT" : "GDT";
  if (index + 7 > limit) return `lies beyond the ${table} limit ${hex(limit)}`;
  const address = base + BigInt(index), low = readLinear(vcpu, address, 8);
  const first = Number(BigInt.asUintN(32, low)), second = Number(low >> 32n);
  const system = (second & 0x1000) === 0, units = (first & 0xffff) + (second & 0xf_0000);
  let high = 0n;
  if (system && isLong(state)) {
    if (index + 15 > limit) return `lies across the ${table} limit ${hex(limit)}`;
    high = readLinear(vcpu, address + 8n, 8);
  }
  return {
    selector,
    address,
    bits: low,
    system,
    type: second >>> 8 & 15,
    privilege: second >>> 13 & 3,
    present: (second & 0x8000) !== 0,
    base: BigInt((first >>> 16 | (second & 0xff) << 16 | second & 0xff00_0000) >>> 0) |
      BigInt.asUintN(32, high) << 32n,
    limit: second & 0x80_0000 ? units * 4096 + 4095 : units,
    long: (second & 0x20_0000) !== 0,
    big: (second & 0x40_0000) !== 0,
  };
}

/** The descriptor that a selector other than null names. */
export function lookUp(vcpu: Vcpu, selector: number, ext = 0, vector: number = EXCEPTION.GP): Descriptor {
  const found = find(vcpu, selector);
  if (typeof found === "string") throw badSelector(selector, found, ext, vector);
  return found;
}

/** The same for instructions that ask whether there is one. */
export function lookUpIfThere(vcpu: Vcpu, selector: number): Descriptor | undefined {
  const found = isNull(selector) ? "is null" : find(vcpu, selector);
  return typeof found === "string" ? undefined : found;
}

export function isCode({ system, type }: Descriptor): boolean {
  return !system && (type & CODE) !== 0;
}
export function isConforming(found: Descriptor): boolean {
  return isCode(found) && (found.type & CONFORMING) !== 0;
}
export function isReadable({ system, type }: Descriptor): boolean {
  return !system && ((type & CODE) === 0 || (type & READABLE) !== 0);
}
/** A data segment that can be written, as a stack has to be. */
export function isWritable({ system, type }: Descriptor): boolean {
  return !system && (type & (CODE | WRITABLE)) === WRITABLE;
}

/** Access rights as `segmentRights` has them. */
export function rightsOf({ bits }: Descriptor): bigint {
  return bits >> 40n & RIGHTS;
}

/** The offsets that lie within it, as `segmentReadable` has them. SDM vol. 3A, 5.3. */
export function rangeOf(found: Descriptor): bigint {
  const { type, limit, big } = found;
  if (isCode(found) || (type & EXPAND_DOWN) === 0) return BigInt(limit) << 32n;
  const last = big ? 0xffff_ffff : 0xffff;
  return limit >= last ? NO_RANGE : BigInt(last) << 32n | BigInt(limit + 1);
}

/** The processor notes that a segment register has held the segment. SDM vol. 3A, 3.4.5.1. */
export function markAccessed(vcpu: Vcpu, { address, type }: Descriptor): void {
  if ((type & ACCESSED) === 0) setBits(vcpu, address + 5n, 1n);
}
