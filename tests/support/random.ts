/** Seeded numbers for tests: the same seed gives the same numbers on any machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Where it stands: a new one of it goes on from here. */
  get state(): number {
    return this.#state;
  }
  set state(state: number) {
    this.#state = state;
  }

  /** 32 random bits (mulberry32). */
  u32(): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return (t ^ t >>> 14) >>> 0;
  }
  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.u32() / 2 ** 32 * limit);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  u64(): bigint {
    return BigInt(this.u32()) << 32n | BigInt(this.u32());
  }
}
