/**
 * The port space as vectors of 8 bytes, one for each thing that a guest may signal by OUT: 8,192 and not one more. The
 * refusals name the claim of the May 2009 thread that they come from ("[RFC PATCH 0/3] generic hypercall support").
 */
import type { Bus, BusHandler } from "./bus.ts";

/** Bytes of a vector. */
export const VECTOR_SIZE = 8;

/** A vector that was taken. */
export interface PortVector {
  /** 0 to 8,191. */
  readonly index: number;
  /** Its first port: 8 times its index. */
  readonly port: number;
  /** Of what answers there. */
  readonly name: string;
}

/** The vectors of a VM's port space; `vm.vectors`. */
export class PortVectors {
  readonly #bus: Bus;
  readonly #count: number;
  readonly #taken = new Map<number, PortVector>();
  #lowest = 0;

  /** @internal */
  constructor(bus: Bus, ports: number) {
    this.#bus = bus;
    this.#count = ports / VECTOR_SIZE;
  }

  /** How many the port space has: 8,192, or none where there is no port I/O. */
  get size(): number {
    return this.#count;
  }

  /**
   * Takes a vector, the lowest whose ports are all free if none is asked for. Throws `RangeError` that names the claim:
   * there is none left (3), it would lie past port 0xffff (2), the architecture has no ports (8).
   */
  take(name: string, handler: BusHandler, index?: number): PortVector {
    if (this.#count === 0) {
      throw new RangeError(
        `no port vector for ${name}: this architecture has no IN and OUT, its PIO would be MMIO (claim 8)`,
      );
    }
    if (index !== undefined && (!Number.isInteger(index) || index < 0 || index >= this.#count)) {
      throw new RangeError(
        `no vector ${index} for ${name}: it would begin at port 0x${
          (VECTOR_SIZE * index).toString(16)
        }, and an OUT carries 16 bits of port, 0 to 0xffff (claim 2)`,
      );
    }
    const own = index ?? this.#free(name);
    const vector = { index: own, port: VECTOR_SIZE * own, name };
    this.#bus.add({ base: vector.port, size: VECTOR_SIZE, name }, handler);
    this.#taken.set(own, vector);
    return vector;
  }

  /** Gives one back; false if it is not taken. */
  give(vector: PortVector): boolean {
    if (this.#taken.get(vector.index) !== vector) return false;
    this.#taken.delete(vector.index);
    this.#bus.remove(vector.port);
    this.#lowest = Math.min(this.#lowest, vector.index);
    return true;
  }

  /** By index. */
  get list(): readonly PortVector[] {
    return [...this.#taken.values()].sort((a, b) => a.index - b.index);
  }

  #free(name: string): number {
    for (let index = this.#lowest; index < this.#count; index++) {
      if (!this.#bus.isFree(VECTOR_SIZE * index, VECTOR_SIZE)) continue;
      this.#lowest = index + 1;
      return index;
    }
    // A range of somebody else's may have gone since.
    for (let index = 0; index < this.#lowest; index++) {
      if (this.#bus.isFree(VECTOR_SIZE * index, VECTOR_SIZE)) return index;
    }
    const others = this.#bus.list.length - this.#taken.size;
    throw new RangeError(
      `no vector left for ${name}: 65,536 ports are ${
        this.#count.toLocaleString("en-US")
      } vectors of ${VECTOR_SIZE} bytes, ` +
        `of which ${this.#taken.size} are taken` +
        (others > 0 ? ` and the rest lies under ${others} other ranges` : "") + ` (claim 3)`,
    );
  }
}
