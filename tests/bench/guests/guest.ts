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
  /** Where it is loaded; `AT.code` if not given. */
  readonly code?: bigint;
  /** Puts input into guest memory. */
  prepare?(vm: Vm): void;
  readonly outcome: Outcome;
}

/** What a program has to come to: a register's low `bits` (all if not given), or bytes in memory. */
export type Outcome =
  | { readonly register: string; readonly value: bigint; readonly bits?: 32 }
  | { readonly at: number; readonly bytes: Uint8Array };

/** Throws if registers or memory do not hold the right result. */
export function checkOutcome(vm: Vm, outcome: Outcome): void {
  if ("register" in outcome) {
    const { register, value, bits = 64 } = outcome;
    expectValue(register, BigInt.asUintN(bits, vm.vcpu.registers.get(register)), value);
    return;
  }
  const found = vm.memory.read(outcome.at, outcome.bytes.length);
  const wrong = found.findIndex((byte, i) => byte !== outcome.bytes[i]);
  if (wrong >= 0) {
    throw new Error(`byte ${wrong} of the result is ${found[wrong]}, expected ${outcome.bytes[wrong]}`);
  }
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

/** Where a program has its data: flags of the sieve, input, its copy, the end of the stack. */
export interface Places {
  readonly flags: number;
  readonly source: number;
  readonly target: number;
  readonly stack: number;
  /** Code that a program writes. */
  readonly written: number;
}

/** Guest-physical addresses that every program uses; real mode reaches them with segments of 0. */
export const AT: Places & { readonly code: bigint } = {
  code: 0x1000n,
  flags: 0x2000,
  source: 0x4800,
  target: 0x6000,
  stack: 0x7ff0,
  written: 0x4_0000,
};

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
  patch: 1000,
  cold: 256,
} as const;

/** Throws with both values unless they are equal. */
export function expectValue(what: string, found: bigint, expected: bigint): void {
  if (found !== expected) throw new Error(`${what} is ${found}, expected ${expected}`);
}
