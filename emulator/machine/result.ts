/** What a load, or a trap, gives to compiled code. */
import type { CpuState } from "../engine/state.ts";
import { STATE } from "../ir/layout.ts";
import type { BusValue } from "./bus.ts";

const RESULT = STATE.result;

/** The low bytes of a value as the result that compiled code takes. */
export function setResult(state: CpuState, value: BusValue, size: number): void {
  if (size === 8) return state.set64(RESULT, BigInt(value));
  const bits = typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value;
  state.set32(RESULT, size === 4 ? bits >>> 0 : bits & (size === 2 ? 0xffff : 0xff));
  state.set32(RESULT + 4, 0);
}
