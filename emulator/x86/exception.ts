/** Exceptions that definitions raise. SDM vol. 3A, table 6-1. */
import type { Ops, Value } from "../ir/ops.ts";

export const VECTOR = { DE: 0, DB: 1, BP: 3, OF: 4, BR: 5, UD: 6, NM: 7, NP: 11, SS: 12, GP: 13 } as const;

/** Raises a fault: the instruction is not done. `vector` is a number or has 32 bits; without error code it is 0. */
export function raise<V extends Value>(b: Ops<V>, vector: number | V): void {
  const number = typeof vector === "number" ? b.constant(32, vector) : vector;
  b.raise("exception", [number, b.constant(32, 0)]);
}
