/**
 * What compiled code asks of the outside, and what it is answered. The machine's vCPU implements
 * `EngineHost`; the interpreter, the regions and the oracle call it in the same way.
 */

/** Answers to compiled code. Anything but `proceed` leaves it with precise state. */
export const STATUS = {
  /** Go on; the result, if any, is in `STATE.result`. */
  proceed: 0,
  /** Stop; the instruction is not done and will be executed again from its start. */
  again: 1,
  /** Stop; the instruction is complete and `pc` is to stand at the next one. */
  done: 2,
  /** The instruction is complete and the handler has set `STATE.pc` itself; go on there. */
  redirect: 3,
  /** The instruction is not done and not counted, and the handler has set `STATE.pc` (to an exception's handler). */
  fault: 4,
} as const;

export type Status = (typeof STATUS)[keyof typeof STATUS];

/**
 * Guest-physical and linear addresses above 2^53 are given as 64-bit slots: the address stands in
 * `STATE.args`, and a stored value in `STATE.args + 8`.
 */
export interface EngineHost {
  /** A load that missed the TLB: `size` bytes at `args[0]`, result (little-endian value) to `result`. */
  load(cpu: number, size: number, flags: number): Status;
  /** A store that missed the TLB: `size` bytes of `args[1]` at `args[0]`. */
  store(cpu: number, size: number, flags: number): Status;
  /** Trap number `trap` of the ISA, arguments in `args`. */
  trap(cpu: number, trap: number): Status;
}

/**
 * The host as a module imports it: plain functions with the parameters that are passed, which V8 calls straight from
 * compiled code. A method that is bound, or one that takes fewer, costs some 10 ns a call more.
 */
export function hostImports(host: EngineHost): Readonly<Record<keyof EngineHost, WebAssembly.ImportValue>> {
  return {
    load: (cpu: number, size: number, flags: number) => host.load(cpu, size, flags),
    store: (cpu: number, size: number, flags: number) => host.store(cpu, size, flags),
    trap: (cpu: number, trap: number) => host.trap(cpu, trap),
  };
}

/** Bits of `flags` for `load` and `store`. */
export const ACCESS = {
  /** The load of a read-modify-write. */
  forWrite: 1,
  /** The guest's access is big-endian: memory holds the value's most significant byte first. */
  bigEndian: 2,
} as const;
