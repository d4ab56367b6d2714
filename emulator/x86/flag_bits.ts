/** EFLAGS as bits, made from the lazy slots and turned back into them, for people and debuggers. */
import type { StateView } from "../isa/isa.ts";
import { AUX, CARRY, EFLAGS_REST, RES } from "./slots.ts";

/** EFLAGS bits. SDM vol. 1, section 3.4.3. */
export const FLAG = {
  CF: 1n << 0n,
  PF: 1n << 2n,
  AF: 1n << 4n,
  ZF: 1n << 6n,
  SF: 1n << 7n,
  TF: 1n << 8n,
  IF: 1n << 9n,
  DF: 1n << 10n,
  OF: 1n << 11n,
  VM: 1n << 17n,
} as const;

/** The flags that `RES`, `AUX` and `CARRY` hold. */
export const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** What POPF and a debugger can set besides: TF IF DF IOPL NT AC ID. RF, VIF and VIP are not kept. */
export const REST = 0x24_7700n;

/** EFLAGS, 64 bits, as PUSHF would show it. */
export function composeFlags(state: StateView): bigint {
  const res = state.get32(RES), aux = state.get32(AUX), high = state.get32(RES + 4);
  // Carries out of the two highest bits.
  const carries = state.get32(AUX + 4);
  let parity = (res ^ aux >>> 8) & 0xff;
  parity ^= parity >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  const zero = res === 0 && high === 0 ? 0x40 : 0, sign = (high >>> 31 ^ aux & 1) << 7;
  const overflow = (carries >>> 31 ^ carries >>> 30 & 1) << 11;
  const bits = 2 | state.get32(CARRY) | (parity & 1 ^ 1) << 2 | (aux >>> 3 & 1) << 4 | zero |
    sign | overflow;
  return BigInt(bits | state.get32(EFLAGS_REST) & Number(REST));
}

/** Sets EFLAGS; bits that cannot be set are ignored, VM among them. */
export function setFlags(state: StateView, value: bigint): void {
  const bits = Number(BigInt.asUintN(32, value)), bit = (n: number) => bits >>> n & 1;
  const cf = bit(0), zf = bit(6);
  // RES is 0 or 1 for ZF; SF and PF are then corrected by AUX's bits 0 and 8.
  state.set32(RES, zf ^ 1);
  state.set32(RES + 4, 0);
  state.set32(AUX, bit(4) << 3 | bit(7) | (bit(2) ^ zf) << 8);
  state.set32(AUX + 4, bit(11) << 31);
  state.set32(CARRY, cf);
  state.set64(EFLAGS_REST, value & REST | state.get64(EFLAGS_REST) & FLAG.VM);
}
