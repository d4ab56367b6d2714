/** Breakpoints: addresses before which a run stops. */

/** An address before which runs stop. */
export interface Breakpoint {
  /** Counts up from 1, never used again. */
  readonly id: number;
  /** As the program counter has it: in x86 real mode an offset into the code segment. */
  readonly address: bigint;
  /** Times that a run stopped at it. */
  readonly hits: number;
}

/** The breakpoints of a VM. A run that starts at one executes its instruction first. */
export class Breakpoints {
  readonly #byId = new Map<number, { id: number; address: bigint; hits: number }>();
  readonly #changed: () => void;
  #next = 1;

  /** @internal */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Sets one; several may stand at one address. */
  add(address: bigint): Breakpoint {
    const breakpoint = { id: this.#next++, address, hits: 0 };
    this.#byId.set(breakpoint.id, breakpoint);
    this.#changed();
    return breakpoint;
  }
  /** False if there is none of that number. */
  remove(id: number): boolean {
    const removed = this.#byId.delete(id);
    if (removed) this.#changed();
    return removed;
  }
  /** By number. */
  list(): readonly Breakpoint[] {
    return [...this.#byId.values()];
  }
  /** The oldest one at an address. */
  at(address: bigint): Breakpoint | undefined {
    return this.list().find((breakpoint) => breakpoint.address === address);
  }
  /**
   * Counts a stop.
   *
   * @internal
   */
  hit(breakpoint: Breakpoint): void {
    this.#byId.get(breakpoint.id)!.hits++;
  }
}
