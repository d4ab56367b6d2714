/** Addresses before which an engine stops. */

/** Addresses of code that have a base wrap at 32 bits: x86 segments outside of 64-bit mode. */
const SEGMENTED_BITS = 32;

/** The address of code at `pc`, before translation: with the base of the code segment, where there is one. */
export function linearAddress(pc: bigint, base: bigint): bigint {
  return base === 0n ? pc : BigInt.asUintN(SEGMENTED_BITS, pc + base);
}

/** Changing them takes `Engine.stopsChanged`. */
export class Stops {
  /** As the program counter has them, in whatever segment. */
  readonly pcs: Set<bigint> = new Set();
  /** As `linearAddress` gives them. */
  readonly linear: Set<bigint> = new Set();

  /** Whether `pc` is one, in code with this base. */
  at(pc: bigint, base: bigint): boolean {
    return this.pcs.has(pc) || this.linear.size > 0 && this.linear.has(linearAddress(pc, base));
  }
  /** All of them as the program counter has them in code with this base. */
  from(base: bigint): ReadonlySet<bigint> {
    if (this.linear.size === 0) return this.pcs;
    const pcs = [...this.linear].map((address) => linearAddress(address, -base));
    return new Set([...this.pcs, ...pcs]);
  }
}
