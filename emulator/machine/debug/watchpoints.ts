/**
 * Watchpoints: addresses whose accesses by the guest stop a run, as the debug registers of a processor do (x86: SDM
 * vol. 3B, 18.2; PowerPC: DABR), but of any length and in any number. The pages that they lie on are kept out of the
 * translation cache of compiled code, so that each access to them is looked at, and nothing else becomes slower.
 */
import { type Point, type PointNumbers, type PointOptions, Points } from "./points.ts";

/** Which accesses are meant. */
export type WatchKind = "read" | "write" | "access";

/** What is watched. */
export interface WatchPlace {
  /**
   * The first address, as the guest's instructions have it: on x86 linear (segment base and offset added), on PowerPC
   * effective. Accesses to the same memory at another address, and those of devices, are not seen.
   */
  readonly address: bigint;
  /** Bytes, 1 to 4,096. */
  readonly length: number;
  /** Which accesses. */
  readonly kind: WatchKind;
  /** Of writes, only those that change the value stop the run; false if not given. */
  readonly changes?: boolean;
}

/** Memory whose accesses stop runs, after the instruction that made them. */
export type Watchpoint = Point & WatchPlace;

/** What is to be noticed of a page of addresses. */
export type PageWatch = "nothing" | "writes" | "everything";

const PAGE_BITS = 12n, LONGEST = 4096;

/** The watchpoints of a VM, for all its vCPUs. */
export class Watchpoints extends Points<WatchPlace> {
  readonly #bits: 32 | 64;
  /** By the page's number. */
  readonly #pages = new Map<number, PageWatch>();

  /** @internal */
  constructor(numbers: PointNumbers, bits: 32 | 64, changed: () => void) {
    super(numbers, () => {
      this.#findPages();
      changed();
    });
    this.#bits = bits;
  }

  /** Sets one; they may overlap. Throws `RangeError` for an address or a length that cannot be. */
  add({ address, length, kind, changes = false }: WatchPlace, options: PointOptions = {}): Watchpoint {
    const bits = this.#bits;
    if (!Number.isInteger(length) || length < 1 || length > LONGEST) {
      throw new RangeError(`cannot watch ${length} bytes: give 1 to ${LONGEST}`);
    }
    if (address < 0n || address + BigInt(length) > 1n << BigInt(bits)) {
      throw new RangeError(
        `cannot watch ${length} bytes at 0x${address.toString(16)}: addresses have ${bits} bits`,
      );
    }
    return this.keep({ address, length, kind, changes }, options);
  }

  /**
   * What is to be noticed of the page of an address, given as two halves of 32 bits.
   *
   * @internal
   */
  ofPage(low: number, high: number): PageWatch {
    if (this.#pages.size === 0) return "nothing";
    return this.#pages.get(high * 2 ** 20 + (low >>> 12)) ?? "nothing";
  }

  #findPages(): void {
    this.#pages.clear();
    for (const { address, length, kind } of this.active) {
      const last = address + BigInt(length - 1) >> PAGE_BITS;
      for (let page = address >> PAGE_BITS; page <= last; page++) {
        const number = Number(page), known = this.#pages.get(number);
        this.#pages.set(number, kind === "write" && known !== "everything" ? "writes" : "everything");
      }
    }
  }
}
