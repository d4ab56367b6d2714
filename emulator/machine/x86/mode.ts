/** What the state says of mode and privilege, and who has to hear when it changes. SDM vol. 3A, 2.2 and 5.5. */
import type { StateView } from "../../isa/isa.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { CPL, CR, CS, EFER, EFLAGS_REST, segmentRights } from "../../x86/slots.ts";
import type { Variant } from "../../x86/variant.ts";
import type { Vcpu } from "../vcpu.ts";
import { CR0, EFER_BIT } from "./control_bits.ts";

/** EFLAGS.VM. */
export const { VM } = FLAG;
/** The same for a word of the state. */
const VM_BIT = Number(VM);
const USER = 3;
/** Of a segment's access rights: L, and D or B. */
export const RIGHTS = { L: 0x2000, BIG: 0x4000 } as const;

/** What a selector means. */
export function selectorsOf(state: StateView): Variant["selectors"] {
  if ((state.get32(CR) & CR0.PE) === 0) return "real";
  return state.get32(EFLAGS_REST) & VM_BIT ? "virtual-8086" : "protected";
}

export function isReal(state: StateView): boolean {
  return selectorsOf(state) === "real";
}
export function isVirtual8086(state: StateView): boolean {
  return selectorsOf(state) === "virtual-8086";
}
/** Selectors are bases: real and virtual-8086 mode. SDM vol. 3B, 21.1.1. */
export function hasPlainSegments(state: StateView): boolean {
  return selectorsOf(state) !== "protected";
}
/** IA-32e mode: 64-bit or compatibility mode. */
export function isLong(state: StateView): boolean {
  return (state.get32(EFER) & EFER_BIT.LMA) !== 0;
}
/** 64-bit mode, which is not all of long mode. */
export function is64(state: StateView): boolean {
  return codeSizeOf(state) === 64;
}
/** Bits of the code that is executed. */
export function codeSizeOf(state: StateView): 16 | 32 | 64 {
  if (selectorsOf(state) !== "protected") return 16;
  const rights = state.get32(segmentRights(CS));
  if (isLong(state) && rights & RIGHTS.L) return 64;
  return rights & RIGHTS.BIG ? 32 : 16;
}
export function privilegeOf(state: StateView): number {
  return state.get32(CPL);
}
/** EFLAGS.IOPL. */
export function ioPrivilegeOf(state: StateView): number {
  return state.get32(EFLAGS_REST) >> 12 & 3;
}

/** Whether the state asks for another instruction set than the one at work. */
export function needsOtherCode(vcpu: Vcpu): boolean {
  return vcpu.processor.isa() !== vcpu.isa;
}

/**
 * After a change of segments or of the privilege level, which was `before`: tells the engine what it can no longer take
 * for granted.
 */
export function announce(vcpu: Vcpu, before: number): void {
  const { state } = vcpu, now = privilegeOf(state);
  if (needsOtherCode(vcpu)) vcpu.modeChanged();
  else if ((now === USER) !== (before === USER) && state.get32(CR) & CR0.PG) vcpu.translationChanged();
}
