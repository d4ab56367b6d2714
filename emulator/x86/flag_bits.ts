/** EFLAGS as bits, made from the lazy slots and turned back into them, for people and debuggers. */
import type { StateView } from "../isa/isa.ts";
import { AUX, EFLAGS_REST, RES } from "./slots.ts";

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

/** The flags that `RES` and `AUX` hold. */
export const ARITHMETIC = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** What POPF and a debugger can set besides: TF IF DF IOPL NT AC ID. RF, VIF and VIP are not kept. */
export const REST = 0x24_7700n;

/** EFLAGS, 64 bits, as PUSHF would show it. */
export function composeFlags(state: StateView): bigint {
  const res = state.get64(RES), aux = BigInt.asUintN(64, state.get64(AUX));
  const bit = (n: bigint) => aux >> n & 1n;
  let parity = (res ^ aux >> 8n) & 0xffn;
  parity ^= parity >> 4n;
  parity ^= parity >> 2n;
  parity ^= parity >> 1n;
  const sign = (BigInt.asUintN(64, res) >> 63n) ^ bit(0n);
  return 2n | bit(63n) | (parity & 1n ^ 1n) << 2n | bit(3n) << 4n | (res === 0n ? FLAG.ZF : 0n) | sign << 7n |
    (bit(63n) ^ bit(62n)) << 11n | (state.get64(EFLAGS_REST) & REST);
}

/** Sets EFLAGS; bits that cannot be set are ignored, VM among them. */
export function setFlags(state: StateView, value: bigint): void {
  const bit = (n: bigint) => value >> n & 1n;
  const cf = bit(0n), zf = bit(6n);
  // RES is 0 or 1 for ZF; SF and PF are then corrected by AUX's bits 0 and 8.
  state.set64(RES, zf ^ 1n);
  state.set64(
    AUX,
    cf << 63n | (cf ^ bit(11n)) << 62n | bit(4n) << 3n | bit(7n) | (bit(2n) ^ zf) << 8n,
  );
  state.set64(EFLAGS_REST, value & REST | state.get64(EFLAGS_REST) & FLAG.VM);
}
