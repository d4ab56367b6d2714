/** Segment registers and descriptor table registers. SDM vol. 2A to 2C, by mnemonic; vol. 3A, 2.4. */
import { STATUS, type Status } from "../../engine/host.ts";
import {
  FS,
  GDT_BASE,
  GDT_LIMIT,
  IDT_BASE,
  IDT_LIMIT,
  LDTR,
  LDTR_BASE,
  LDTR_LIMIT,
  SEGMENT_NAMES,
  segmentBase,
  segmentSelector,
  SS,
  TR,
  TR_BASE,
  TR_LIMIT,
} from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import {
  absent,
  badSelector,
  dataSegment,
  type Descriptor,
  isNull,
  lookUp,
  markAccessed,
  stackSegment,
} from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { isCanonical, modeOf, readLinear, setBits, writeLinear } from "./linear.ts";
import { guarded } from "./protected.ts";

/** MOV, POP and LDS to es, ss, ds, fs or gs. Bases other than 0 count in fs and gs only, which 64-bit mode keeps at 0. */
function loadSegment(vcpu: Vcpu): Status {
  const { state } = vcpu, index = vcpu.argument(0), selector = vcpu.argument(1) & 0xffff;
  const base = isNull(selector) ? loadNull(vcpu, index, selector) : load(vcpu, index, selector);
  state.set64(segmentSelector(index), BigInt(selector));
  if (index >= FS) state.set64(segmentBase(index), base);
  return STATUS.proceed;
}

function load(vcpu: Vcpu, index: number, selector: number): bigint {
  const found = index === SS
    ? stackSegment(vcpu, selector)
    : dataSegment(vcpu, selector, SEGMENT_NAMES[index]);
  markAccessed(vcpu, found);
  return found.base;
}

/** Nothing can be reached through a null selector, which is not checked here; its base is 0, as Intel's is. */
function loadNull(vcpu: Vcpu, index: number, selector: number): bigint {
  if (index === SS && (modeOf(vcpu) !== 64 || selector !== 0)) {
    throw new Fault(EXCEPTION.GP, 0, "the stack segment selector is null");
  }
  return 0n;
}

interface TableRegister {
  readonly base: number;
  readonly limit: number;
}
const GDTR: TableRegister = { base: GDT_BASE, limit: GDT_LIMIT };
const IDTR: TableRegister = { base: IDT_BASE, limit: IDT_LIMIT };

/** LGDT, LIDT: 16 bits of limit, then the base. Operand size 16 takes 24 bits of it. */
function loadTable({ base, limit }: TableRegister): ArchTrap {
  return guarded((vcpu) => {
    const at = vcpu.argument64(0), size = vcpu.argument(1), { state } = vcpu, long = modeOf(vcpu) === 64;
    const length = readLinear(vcpu, at, 2), stored = readLinear(vcpu, at + 2n, long ? 8 : 4);
    if (long && !isCanonical(stored)) throw new Fault(EXCEPTION.GP, 0, "the table's base is not canonical");
    state.set64(limit, length);
    state.set64(base, size === 2 && !long ? stored & 0xff_ffffn : stored);
    return STATUS.proceed;
  });
}

/** SGDT, SIDT. */
function storeTable({ base, limit }: TableRegister): ArchTrap {
  return guarded((vcpu) => {
    const { state } = vcpu, address = vcpu.argument64(0), size = modeOf(vcpu) === 64 ? 8 : 4;
    writeLinear(vcpu, [
      { address, size: 2, value: state.get64(limit) },
      { address: address + 2n, size, value: state.get64(base) },
    ]);
    return STATUS.proceed;
  });
}

/** Types of system descriptors. SDM vol. 3A, table 3-2. */
const LDT = 2, TSS_16 = 1, TSS = 9;
/** Of a TSS's type: it is in use. */
const BUSY = 2n;

/** The system segment of the GDT that a selector names. */
function systemSegment(vcpu: Vcpu, selector: number, types: readonly number[], name: string): Descriptor {
  if (selector & 4) throw badSelector(selector, "is not one of the GDT's");
  const found = lookUp(vcpu, selector);
  if (!found.system || !types.includes(found.type)) throw badSelector(selector, `names no ${name}`);
  if (!found.present) throw absent(selector);
  if (modeOf(vcpu) === 64 && !isCanonical(found.base)) {
    throw badSelector(selector, "has a base that is not canonical");
  }
  return found;
}

function loadLdt(vcpu: Vcpu): Status {
  const selector = vcpu.argument(0), { state } = vcpu;
  const found = isNull(selector) ? { base: 0n, limit: 0 } : systemSegment(vcpu, selector, [LDT], "LDT");
  state.set64(LDTR, BigInt(selector));
  state.set64(LDTR_BASE, found.base);
  state.setNumber(LDTR_LIMIT, found.limit);
  return STATUS.proceed;
}

function loadTask(vcpu: Vcpu): Status {
  const selector = vcpu.argument(0), { state } = vcpu;
  if (isNull(selector)) throw new Fault(EXCEPTION.GP, 0, "the task register's selector is null");
  const types = modeOf(vcpu) === 64 ? [TSS] : [TSS_16, TSS];
  const found = systemSegment(vcpu, selector, types, "available task state segment");
  setBits(vcpu, found.address + 5n, BUSY);
  state.set64(TR, BigInt(selector));
  state.set64(TR_BASE, found.base);
  state.setNumber(TR_LIMIT, found.limit);
  return vcpu.completeOnce();
}

function storeSelector(slot: number): ArchTrap {
  return (vcpu) => {
    vcpu.answer(vcpu.state.get64(slot) & 0xffffn);
    return STATUS.proceed;
  };
}

export const segmentTraps: Readonly<Record<string, ArchTrap>> = {
  load_segment: guarded(loadSegment),
  lgdt: loadTable(GDTR),
  lidt: loadTable(IDTR),
  sgdt: storeTable(GDTR),
  sidt: storeTable(IDTR),
  lldt: guarded(loadLdt),
  ltr: guarded(loadTask),
  sldt: storeSelector(LDTR),
  str: storeSelector(TR),
};
