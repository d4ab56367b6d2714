/**
 * Traps that complete within the instruction set (`Isa.helpers`):
 * - `float` [operation, frA, frB, frC, frT] -> what frT holds afterwards; FPSCR is set;
 * - `floatCompare` [frA, frB, 1 if ordered] -> a condition register field; FPSCR is set;
 * - `loadString`, `storeString` [address, first register, bytes, width of an address]: registers follow each
 *   other, r0 after r31;
 * - `divideWide` [high, divisor] -> high * 2^64 / divisor, for high < divisor.
 */
import { STATE } from "../ir/layout.ts";
import type { Helper, StateView } from "../isa/isa.ts";
import { compare } from "./float/compare.ts";
import { Status } from "./float/fpscr.ts";
import { FLOAT_OPERATIONS } from "./float/operations.ts";
import { SLOT } from "./state.ts";
import { loadString, storeString } from "./string_access.ts";

function argument(state: StateView, index: number): bigint {
  return state.get64(STATE.args + 8 * index);
}

function answer(state: StateView, value: bigint): number {
  state.set64(STATE.result, value);
  return 0;
}

function keepStatus(state: StateView, status: Status): void {
  state.set64(SLOT.fpscr, BigInt(status.summed()));
}

export const PPC_HELPERS = {
  float(state) {
    const status = new Status(state.get32(SLOT.fpscr));
    const operands = [argument(state, 1), argument(state, 2), argument(state, 3)] as const;
    const result = FLOAT_OPERATIONS[state.get32(STATE.args)](status, operands);
    keepStatus(state, status);
    return answer(state, result ?? argument(state, 4));
  },
  floatCompare(state) {
    const status = new Status(state.get32(SLOT.fpscr));
    const found = compare(status, argument(state, 0), argument(state, 1), argument(state, 2) === 1n);
    keepStatus(state, status);
    return answer(state, BigInt(found));
  },
  loadString,
  storeString,
  divideWide: (state) => answer(state, (argument(state, 0) << 64n) / argument(state, 1)),
} as const satisfies Readonly<Record<string, Helper>>;
