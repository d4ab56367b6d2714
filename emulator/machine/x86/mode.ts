/** What the state says of mode and privilege, and who has to hear when it changes. SDM vol. 3A, 2.2 and 5.5. */
import type { StateView } from "../../isa/isa.ts";
import { CPL, CR, CS, DS, EFER, EFLAGS_REST, ES, segmentRights, SS } from "../../x86/slots.ts";
import { segmentBase, segmentReadable, segmentWritable } from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";

/** EFLAGS.VM. */
export const VM = 0x2_0000n;
const PE = 1n, PG = 0x8000_0000n, LMA = 0x400n;
/** Access rights: see `segmentRights`. */
const L = 0x2000n, DB = 0x4000n;
const FULL = 0xffff_ffff_0000_0000n;

export function isReal(state: StateView): boolean {
  return (state.get64(CR) & PE) === 0n;
}
export function isVirtual8086(state: StateView): boolean {
  return (state.get64(EFLAGS_REST) & VM) !== 0n;
}
/** Selectors are bases: real and virtual-8086 mode. SDM vol. 3B, 21.1.1. */
export function hasPlainSegments(state: StateView): boolean {
  return isReal(state) || isVirtual8086(state);
}
/** IA-32e mode: 64-bit or compatibility mode. */
export function isLong(state: StateView): boolean {
  return (state.get64(EFER) & LMA) !== 0n;
}
export function is64(state: StateView): boolean {
  return isLong(state) && (state.get64(segmentRights(CS)) & L) !== 0n;
}
export function privilegeOf(state: StateView): number {
  return Number(state.get64(CPL) & 3n);
}
/** EFLAGS.IOPL. */
export function ioPrivilegeOf(state: StateView): number {
  return Number(state.get64(EFLAGS_REST) >> 12n & 3n);
}

/** es, cs, ss and ds all reach all of 4 GiB from 0 on, as the code compiled for flat segments takes for granted. */
export function isFlat(state: StateView): boolean {
  const covers = (index: number) =>
    state.get64(segmentBase(index)) === 0n && state.get64(segmentReadable(index)) === FULL &&
    (index === CS || state.get64(segmentWritable(index)) === FULL);
  return covers(ES) && covers(CS) && covers(SS) && covers(DS);
}

/** What an instruction set and translations are chosen by. */
export interface ModeView {
  readonly instructions: number;
  readonly user: boolean;
}

export function modeView(state: StateView): ModeView {
  const long = isLong(state), wide = is64(state);
  const code = state.get64(segmentRights(CS)), stack = state.get64(segmentRights(SS));
  // 64-bit mode has no other segments than flat ones.
  const flags = [
    isReal(state),
    isVirtual8086(state),
    long,
    wide,
    !wide && (code & DB) !== 0n,
    !wide && (stack & DB) !== 0n,
    !wide && isFlat(state),
  ];
  return {
    instructions: flags.reduce((sum, flag, i) => sum | Number(flag) << i, 0),
    user: privilegeOf(state) === 3,
  };
}

/** Whether the state asks for another instruction set than it did. */
export function changesCode(state: StateView, before: ModeView): boolean {
  return modeView(state).instructions !== before.instructions;
}

/** After a change of segments or privilege: tells the engine what it can no longer take for granted. */
export function announce(vcpu: Vcpu, before: ModeView): void {
  const { state } = vcpu, now = modeView(state);
  if (now.instructions !== before.instructions) vcpu.modeChanged();
  else if (now.user !== before.user && (state.get64(CR) & PG) !== 0n) vcpu.translationChanged();
}
