/** What the benchmark runs: guest programs in assembler text, and what they have to come to. */
import type { Vm } from "../../../mod.ts";

export type IsaName = "x86-16" | "x86-32" | "x86-64" | "ppc32" | "ppc64";

/**
 * A program that computes and makes no exits. It runs from its first instruction to its last, or jumps to the label
 * `end`, which whoever assembles it puts after it; and it can be run over and over.
 */
export interface Workload {
  readonly name: string;
  readonly source: string;
  /** Puts input into guest memory. */
  prepare?(vm: Vm): void;
  /** Throws if registers or memory do not hold the right result. */
  check(vm: Vm): void;
}

/** A loop that exits `EXITS` times. Labels as in a `Workload`. */
export interface ExitLoop {
  readonly name: ExitKind;
  readonly source: string;
}

export type ExitKind = "out" | "in" | "mmio store" | "mmio load" | "hypercall";

/** Exits of one pass over an exit loop. */
export const EXITS = 20_000;
/** The hypercall that the loops make; no hypervisor uses it. */
export const HYPERCALL = 0x5453;

/** Guest-physical addresses that every program uses; real mode reaches them with segments of 0. */
export const AT = { code: 0x1000n, flags: 0x2000, source: 0x4800, target: 0x6000, stack: 0x7ff0 } as const;

/** Iterations and sizes, the same on every architecture. */
export const SIZE = {
  integer: 50_000,
  sieve: 8190,
  crc: 1024,
  copy: 4096,
  copies: 8,
  fib: 18,
  dispatch: 1024,
  strings: 1024,
  divide: 10_000,
} as const;

/** Throws with both values unless they are equal. */
export function expectValue(what: string, found: bigint, expected: bigint): void {
  if (found !== expected) throw new Error(`${what} is ${found}, expected ${expected}`);
}
