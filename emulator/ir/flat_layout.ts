/**
 * How compiled code reaches memory where addresses are guest-physical: those below a limit lie in a row in linear memory,
 * and no translation is looked up. The limits stand in a vCPU's state area, behind the translation cache and the engine's own.
 */
import { TLB } from "./tlb_layout.ts";

export const FLAT = {
  /** i64 for each size of access (1, 2, 4, 8 bytes): how many addresses one may begin at; 0 where none may. */
  limits: TLB.end + 64,
  /** Stores are looked at for lines of this many bytes, as a power of 2. */
  lineBits: 6,
} as const;

/** Offset in the state area of the limit for accesses of `bytes`. */
export function flatLimit(bytes: number): number {
  return FLAT.limits + 8 * Math.log2(bytes);
}

/** Where it lies in linear memory, known when code is compiled. */
export interface FlatPlaces {
  /** Of address 0. */
  readonly place: number;
  /** Of a byte for each line: not 0 where the host has to be told of stores. */
  readonly marks: number;
}
