/** EFLAGS as deliveries push them and returns take them back. SDM vol. 1, 3.4.3; vol. 2A, IRET. */
import type { StateView } from "../../isa/isa.ts";
import { composeFlags, FLAG, setFlags } from "../../x86/flag_bits.ts";
import { EFLAGS_REST } from "../../x86/slots.ts";
import { ioPrivilegeOf, VM } from "./mode.ts";

export const NT = 0x4000n;
export const IOPL = 0x3000n;
/** CF PF AF ZF SF TF DF OF NT: any privilege level may change them. */
const ANYONES = 0x4dd5n;
/** AC and ID, which frames of words do not have. */
const UPPER = 0x24_0000n;

/** All of EFLAGS, with VM. */
export function flagsImage(state: StateView): bigint {
  return composeFlags(state) & ~VM | state.get64(EFLAGS_REST) & VM;
}

/** What IRET at a privilege level changes, its operand having `size` bytes. */
export function changeable(state: StateView, privilege: number, size: number): bigint {
  return ANYONES | (size > 2 ? UPPER : 0n) | (privilege <= ioPrivilegeOf(state) ? FLAG.IF : 0n) |
    (privilege === 0 ? IOPL : 0n);
}

/** Changes the flags of the mask, all others but VM among them, which stays. */
export function loadFlags(state: StateView, image: bigint, mask: bigint): void {
  const vm = state.get64(EFLAGS_REST) & VM;
  setFlags(state, composeFlags(state) & ~mask | image & mask);
  setVirtual(state, vm !== 0n);
}

export function setVirtual(state: StateView, on: boolean): void {
  state.set64(EFLAGS_REST, state.get64(EFLAGS_REST) & ~VM | (on ? VM : 0n));
}
