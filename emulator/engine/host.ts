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
  /**
   * A load that missed the TLB: `size` bytes at `args[0]`, result (little-endian value) to `result`. The way that its exit
   * goes may be remembered under the number `way`, if that is not 0 (see `WAY`).
   */
  load(cpu: number, size: number, flags: number, way?: number): Status;
  /** A store that missed the TLB: `size` bytes of `args[1]` at `args[0]`. */
  store(cpu: number, size: number, flags: number, way?: number): Status;
  /** Trap number `trap` of the ISA, arguments in `args`. */
  trap(cpu: number, trap: number, way?: number): Status;
  /**
   * The same, of what is remembered under a number; `value` goes out. Or `UNKNOWN_WAY`, and nothing is done. A plain function
   * of two parameters, which is imported as it is.
   */
  readonly again: (way: number, value: number) => Status | typeof UNKNOWN_WAY;
}

/** What `again` answers where an exit has to be looked at. */
export const UNKNOWN_WAY = -1;

/**
 * The host as a module imports it: plain functions with the parameters that are passed, which V8 calls straight from
 * compiled code. A method that is bound, or one that takes fewer, costs some 10 ns a call more.
 */
export function hostImports(host: EngineHost): Readonly<Record<keyof EngineHost, WebAssembly.ImportValue>> {
  return {
    load: (cpu: number, size: number, flags: number, way: number) => host.load(cpu, size, flags, way),
    store: (cpu: number, size: number, flags: number, way: number) => host.store(cpu, size, flags, way),
    trap: (cpu: number, trap: number, way: number) => host.trap(cpu, trap, way),
    again: host.again,
  };
}

/** Bits of `flags` for `load` and `store`. */
export const ACCESS = {
  /** The load of a read-modify-write. */
  forWrite: 1,
  /** The guest's access is big-endian: memory holds the value's most significant byte first. */
  bigEndian: 2,
} as const;
