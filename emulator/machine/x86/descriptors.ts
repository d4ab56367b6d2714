/** Segment descriptors: what they say, and which of them a segment register may hold. SDM vol. 3A, 3.4 and 5.2 to 5.8. */
import { GDT_BASE, GDT_LIMIT, LDTR_BASE, LDTR_LIMIT } from "../../x86/slots.ts";
import { EXCEPTION, Fault, lacking } from "./fault.ts";
import { modeOf, readLinear, setBits } from "./linear.ts";
import type { Vcpu } from "../vcpu.ts";

/** A descriptor, SDM vol. 3A, figure 3-8. */
export interface Descriptor {
  readonly selector: number;
  /** Linear address of its first byte. */
  readonly address: bigint;
  /** S is 0: a TSS, an LDT or a gate. */
  readonly system: boolean;
  /** Four bits: of a segment accessed, writable or readable, expand-down or conforming, code. */
  readonly type: number;
  readonly privilege: number;
  readonly present: boolean;
  /** 32 bits; of a system descriptor in 64-bit mode 64. */
  readonly base: bigint;
  /** Offset of the last byte. */
  readonly limit: number;
  /** L: 64-bit code. */
  readonly long: boolean;
  /** D or B: 32-bit code or stack. */
  readonly big: boolean;
}

/** What may become of a code segment. */
export type Transfer = "gate" | "jump" | "return";

const CODE = 8, CONFORMING = 4, EXPAND_DOWN = 4, WRITABLE = 2;
/** Fields of an error code that names a selector: table and index. SDM vol. 3A, figure 6-7. */
const INDEX = 0xfffc;
/** System types that a far transfer may lead to. SDM vol. 3A, table 3-2. */
const TARGETS: Readonly<Record<number, string>> = {
  1: "a task state segment",
  3: "a busy task state segment",
  4: "a 16-bit call gate",
  5: "a task gate",
  9: "a task state segment",
  11: "a busy task state segment",
  12: "a call gate",
};

const hex = (value: number) => `0x${value.toString(16)}`;

export function isNull(selector: number): boolean {
  return (selector & INDEX) === 0;
}

/** #GP that names a selector. */
export function badSelector(selector: number, why: string, ext = 0): Fault {
  return new Fault(EXCEPTION.GP, selector & INDEX | ext, `selector ${hex(selector)} ${why}`);
}
/** #NP, or #SS for a stack segment. */
export function absent(selector: number, ext = 0, vector: number = EXCEPTION.NP): Fault {
  return new Fault(
    vector,
    selector & INDEX | ext,
    `selector ${hex(selector)} names a segment that is not present`,
  );
}

/** The descriptor that a selector names. In 64-bit mode a system descriptor has 16 bytes. */
export function lookUp(vcpu: Vcpu, selector: number, ext = 0): Descriptor {
  const { state } = vcpu, local = (selector & 4) !== 0;
  const base = state.get64(local ? LDTR_BASE : GDT_BASE);
  const limit = state.get32(local ? LDTR_LIMIT : GDT_LIMIT), index = selector & 0xfff8;
  const table = local ? "LDT" : "GDT";
  if (index + 7 > limit) throw badSelector(selector, `lies beyond the ${table} limit ${hex(limit)}`, ext);
  const address = base + BigInt(index), low = readLinear(vcpu, address, 8);
  const field = (from: number, width: number) => Number(BigInt.asUintN(width, low >> BigInt(from)));
  const system = field(44, 1) === 0, units = field(0, 16) + field(48, 4) * 0x1_0000;
  let high = 0n;
  if (system && modeOf(vcpu) === 64) {
    if (index + 15 > limit) throw badSelector(selector, `lies across the ${table} limit ${hex(limit)}`, ext);
    high = readLinear(vcpu, address + 8n, 8);
  }
  return {
    selector,
    address,
    system,
    type: field(40, 4),
    privilege: field(45, 2),
    present: field(47, 1) === 1,
    base: BigInt(field(16, 24) + field(56, 8) * 2 ** 24) | BigInt.asUintN(32, high) << 32n,
    limit: field(55, 1) ? units * 4096 + 4095 : units,
    long: field(53, 1) === 1,
    big: field(54, 1) === 1,
  };
}

/** Whether the privilege levels allow it, the current one being 0. SDM vol. 3A, 5.8.1; vol. 2A, RET. */
function permits(transfer: Transfer, { selector, type, privilege }: Descriptor): boolean {
  const requested = selector & 3, conforming = (type & CONFORMING) !== 0;
  switch (transfer) {
    case "gate":
      return privilege === 0;
    case "jump":
      return privilege === 0 && (conforming || requested === 0);
    case "return":
      return conforming ? privilege <= requested : privilege === requested;
  }
}

/** The code segment that a transfer leads to, of this mode and of privilege level 0; else the fault, or a stop. */
export function codeSegment(vcpu: Vcpu, selector: number, transfer: Transfer, ext = 0): Descriptor {
  if (isNull(selector)) throw new Fault(EXCEPTION.GP, ext, "the code segment selector is null");
  const found = lookUp(vcpu, selector, ext), mode = modeOf(vcpu), target = TARGETS[found.type];
  if (found.system && target && transfer === "jump" && (mode === 32 || found.type === 12)) {
    throw lacking(vcpu, `a far transfer through ${target} (selector ${hex(selector)})`);
  }
  if (found.system || (found.type & CODE) === 0) throw badSelector(selector, "names no code segment", ext);
  if (!permits(transfer, found)) {
    throw badSelector(selector, `names a code segment of privilege level ${found.privilege}`, ext);
  }
  const wrongMode = mode === 64 && (found.long ? found.big : transfer === "gate");
  if (wrongMode) throw badSelector(selector, "names no 64-bit code segment", ext);
  if (!found.present) throw absent(selector, ext);
  if (transfer === "return" && (selector & 3) !== 0) {
    throw lacking(vcpu, `a return to privilege level ${selector & 3} (selector ${hex(selector)})`);
  }
  if (mode === 64 && !found.long) throw lacking(vcpu, `compatibility mode (selector ${hex(selector)})`);
  if (mode === 32 && !found.big) throw lacking(vcpu, `16-bit protected mode (selector ${hex(selector)})`);
  if (mode === 32 && found.base !== 0n) throw notFlat(vcpu, "cs", found);
  return found;
}

/** The stack segment of privilege level 0 that a selector other than null names. SDM vol. 2B, MOV. */
export function stackSegment(vcpu: Vcpu, selector: number): Descriptor {
  const found = lookUp(vcpu, selector);
  const writable = !found.system && (found.type & (CODE | WRITABLE)) === WRITABLE;
  if (!writable || found.privilege !== 0 || (selector & 3) !== 0) {
    throw badSelector(selector, "names no writable data segment of privilege level 0");
  }
  if (!found.present) throw absent(selector, 0, EXCEPTION.SS);
  if (modeOf(vcpu) === 32) {
    if (found.base !== 0n) throw notFlat(vcpu, "ss", found);
    if (!found.big) throw lacking(vcpu, `a 16-bit stack segment (selector ${hex(selector)})`);
    if (found.type & EXPAND_DOWN) throw lacking(vcpu, `an expand-down segment (selector ${hex(selector)})`);
  }
  return found;
}

/** The segment that a selector other than null gives to `name`: es, ds, fs or gs. SDM vol. 2B, MOV. */
export function dataSegment(vcpu: Vcpu, selector: number, name: string): Descriptor {
  const found = lookUp(vcpu, selector), code = (found.type & CODE) !== 0;
  const readable = !found.system && (!code || (found.type & WRITABLE) !== 0);
  if (!readable) throw badSelector(selector, "names no data or readable code segment");
  const conforming = code && (found.type & CONFORMING) !== 0;
  if (!conforming && (selector & 3) > found.privilege) {
    throw badSelector(
      selector,
      `asks for privilege level ${selector & 3}, its segment has ${found.privilege}`,
    );
  }
  if (!found.present) throw absent(selector);
  if (modeOf(vcpu) === 32) {
    if (found.base !== 0n && (name === "es" || name === "ds")) throw notFlat(vcpu, name, found);
    if (!code && found.type & EXPAND_DOWN) {
      throw lacking(vcpu, `an expand-down segment (selector ${hex(selector)})`);
    }
  }
  return found;
}

/** The processor notes that a segment register has held the segment. SDM vol. 3A, 3.4.5.1. */
export function markAccessed(vcpu: Vcpu, { address, type }: Descriptor): void {
  if ((type & 1) === 0) setBits(vcpu, address + 5n, 1n);
}

function notFlat(vcpu: Vcpu, name: string, { selector, base }: Descriptor) {
  return lacking(
    vcpu,
    `a base of 0x${base.toString(16)} in ${name} (selector ${hex(selector)}): it has to be 0`,
  );
}
