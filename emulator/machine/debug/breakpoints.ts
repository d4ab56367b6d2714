/** Breakpoints: addresses before which a run stops. */
import { type Point, type PointOptions, Points } from "./points.ts";

/** Where a breakpoint is. */
export interface BreakPlace {
  /** As the program counter has it: in x86 real mode an offset into the code segment. */
  readonly address: bigint;
  /** `address` has the base of the code segment in it: see `VirtualCpu.linearPc`. False if not given. */
  readonly linear?: boolean;
}

/** How it stops a run, and what its address is. */
export type BreakOptions = PointOptions & Pick<BreakPlace, "linear">;

/** An address before which runs stop. */
export type Breakpoint = Point & BreakPlace;

/** The breakpoints of a VM. A run that starts at one executes its instruction first. */
export class Breakpoints extends Points<BreakPlace> {
  /** Sets one; several may stand at one address. Throws `RangeError` for a bad count to ignore. */
  add(address: bigint, options: BreakOptions = {}): Breakpoint {
    return this.keep({ address, linear: options.linear ?? false }, options);
  }
  /** The oldest one at an address. */
  at(address: bigint): Breakpoint | undefined {
    return this.list().find((breakpoint) => breakpoint.address === address);
  }
}
