/**
 * How much code a guest is executing: whether looks at it, one now and then, keep finding it in other places. Where much code
 * is executed evenly, no part of it is worth the compiling, and half of it compiled is worse than none.
 */

/** Looks that count. */
const LOOKS = 128;
/** Code of so many bytes, as a power of 2, is one place. */
const AREA_BITS = 10n;
/**
 * Places that are many: 64 KiB executed evenly come to 55, 128 KiB to 81. Of the former the compiled code is as large as a
 * processor's own cache, beyond that it is hardly faster than the interpreter.
 */
const MANY = 68;

export class Breadth {
  readonly #last: bigint[] = [];
  #next = 0;
  readonly #areas = new Map<bigint, number>();
  readonly #found = new Map<bigint, number>();

  /** The guest was found at an address. */
  look(pc: bigint): void {
    const before = this.#last[this.#next];
    if (before !== undefined) {
      lower(this.#areas, before >> AREA_BITS);
      lower(this.#found, before);
    }
    this.#last[this.#next] = pc;
    this.#next = (this.#next + 1) % LOOKS;
    raise(this.#areas, pc >> AREA_BITS);
    raise(this.#found, pc);
  }

  /** Much code is executed evenly. */
  get isBroad(): boolean {
    return this.#areas.size > MANY;
  }

  /** How often the guest was found at an address, of late. */
  timesAt(pc: bigint): number {
    return this.#found.get(pc) ?? 0;
  }

  forget(): void {
    this.#last.length = 0;
    this.#next = 0;
    this.#areas.clear();
    this.#found.clear();
  }
}

function raise(counts: Map<bigint, number>, key: bigint): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function lower(counts: Map<bigint, number>, key: bigint): void {
  const count = counts.get(key)!;
  if (count === 1) counts.delete(key);
  else counts.set(key, count - 1);
}
