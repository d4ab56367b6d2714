/** Segment registers and descriptor table registers. SDM vol. 2A to 2C, by mnemonic; vol. 3A, 2.4. */
import { STATUS, type Status } from "../../engine/host.ts";
import type { StateView } from "../../isa/isa.ts";
import {
  GDT_BASE,
  GDT_LIMIT,
  IDT_BASE,
  IDT_LIMIT,
  LDTR,
  LDTR_BASE,
  LDTR_LIMIT,
  segmentBase,
  SEGMENTS_CHANGED,
  segmentSelector,
  SS,
  TR,
  TR_BASE,
  TR_LIMIT,
  TR_RIGHTS,
} from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { stackSegment } from "./code_segment.ts";
import {
  absent,
  badSelector,
  type Descriptor,
  isConforming,
  isNull,
  isReadable,
  lookUp,
  markAccessed,
  rightsOf,
} from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { isCanonical, readLinear, setBits, writeLinear } from "./linear.ts";
import { hasPlainSegments, is64, isLong, needsOtherCode, privilegeOf } from "./mode.ts";
import { guarded } from "./protected.ts";
import { fillSegment, nullSegment } from "./segment_register.ts";

/** MOV, POP and LDS to es, ss, ds, fs or gs. SDM vol. 2B, MOV; vol. 3A, 5.4.1.1. */
function loadSegment(vcpu: Vcpu): Status {
  const { state } = vcpu, index = vcpu.argument(0), selector = vcpu.argument(1) & 0xffff;
  if (hasPlainSegments(state)) {
    state.set64(segmentSelector(index), BigInt(selector));
    state.set64(segmentBase(index), BigInt(selector) << 4n);
    return STATUS.proceed;
  }
  if (isNull(selector)) loadNull(state, index, selector);
  else {
    const level = privilegeOf(state);
    const found = index === SS ? stackSegment(vcpu, selector, level) : dataSegment(vcpu, selector, level);
    markAccessed(vcpu, found);
    fillSegment(state, index, found);
  }
  // The instruction may have more to do: it looks at this when it is done.
  if (needsOtherCode(vcpu)) state.set64(SEGMENTS_CHANGED, 1n);
  return STATUS.proceed;
}

/** The instruction is done that has loaded a segment register. */
function segmentsChanged(vcpu: Vcpu): Status {
  vcpu.state.set64(SEGMENTS_CHANGED, 0n);
  vcpu.modeChanged();
  return vcpu.completeOnce();
}

/** The stack segment may be null in 64-bit mode alone, at its own privilege level below 3. */
function loadNull(state: StateView, index: number, selector: number): void {
  const level = privilegeOf(state);
  const allowed = index !== SS || is64(state) && level !== 3 && (selector & 3) === level;
  if (!allowed) throw new Fault(EXCEPTION.GP, 0, "the stack segment selector is null");
  nullSegment(state, index, selector);
}

/** The segment that a selector other than null gives to es, ds, fs or gs. */
function dataSegment(vcpu: Vcpu, selector: number, level: number): Descriptor {
  const found = lookUp(vcpu, selector);
  if (!isReadable(found)) throw badSelector(selector, "names no data or readable code segment");
  if (!isConforming(found) && Math.max(selector & 3, level) > found.privilege) {
    throw badSelector(
      selector,
      `asks for privilege level ${selector & 3} from ${level}, its segment has ${found.privilege}`,
    );
  }
  if (!found.present) throw absent(selector);
  return found;
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
    const at = vcpu.argument64(0), size = vcpu.argument(1), { state } = vcpu, long = is64(state);
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
    const { state } = vcpu, address = vcpu.argument64(0), size = is64(state) ? 8 : 4;
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
  if (isLong(vcpu.state) && !isCanonical(found.base)) {
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
  const types = isLong(state) ? [TSS] : [TSS_16, TSS];
  const found = systemSegment(vcpu, selector, types, "available task state segment");
  setBits(vcpu, found.address + 5n, BUSY);
  state.set64(TR, BigInt(selector));
  state.set64(TR_BASE, found.base);
  state.setNumber(TR_LIMIT, found.limit);
  state.set64(TR_RIGHTS, rightsOf(found) | BUSY);
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
  segments_changed: segmentsChanged,
  lgdt: loadTable(GDTR),
  lidt: loadTable(IDTR),
  sgdt: storeTable(GDTR),
  sidt: storeTable(IDTR),
  lldt: guarded(loadLdt),
  ltr: guarded(loadTask),
  sldt: storeSelector(LDTR),
  str: storeSelector(TR),
};
