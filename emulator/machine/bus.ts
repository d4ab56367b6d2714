/** A bus: ranges of addresses, each with a handler that sees offsets. Port I/O and MMIO are one each. */
import type { HandledIn } from "../engine/native_reason.ts";
import { ones } from "./access.ts";
import type { Answer, Answerer } from "./answerer.ts";
import { Changes } from "./changes.ts";

/** Which of the two buses. */
export type BusName = "pio" | "mmio";

/** Bytes of one access. */
export type AccessSize = 1 | 2 | 4 | 8;

/** A value on a bus: a number for 1, 2 and 4 bytes, a bigint exactly when `size` is 8. Unsigned. */
export type BusValue = number | bigint;

/**
 * What answers a range. Values are the access's bytes in address order read as a little-endian number, on
 * every architecture: PowerPC's `stw` of 1 is seen as 0x01000000, its `stwbrx` of 1 as 1.
 */
export interface BusHandler {
  /** A load of `size` bytes at `offset` from the range's first. */
  read(offset: number, size: AccessSize): BusValue | Promise<BusValue>;
  /** A store. */
  write(offset: number, size: AccessSize, value: BusValue): void | Promise<void>;
  /** Who completes the access; userspace if not given. */
  readonly handledIn?: HandledIn;
}

/** Addresses of a bus that one handler answers. */
export interface BusRange {
  /** First address. */
  readonly base: number;
  /** Bytes. */
  readonly size: number;
  /** Of what answers there. */
  readonly name: string;
}

/** A range with what answers there. */
export class Mapped implements BusRange, Answerer {
  readonly base: number;
  readonly size: number;
  readonly name: string;
  readonly handler: BusHandler;

  constructor({ base, size, name }: BusRange, handler: BusHandler) {
    this.base = base;
    this.size = size;
    this.name = name;
    this.handler = handler;
  }

  handledIn(): HandledIn {
    return this.handler.handledIn ?? "userspace";
  }
  answer(offset: number, direction: "in" | "out" | "none", size: AccessSize, value: BusValue): Answer {
    if (direction === "in") return this.handler.read(offset, size);
    return this.handler.write(offset, size, size === 8 ? BigInt(value) : value);
  }
}

/** What an address gives that nobody claims. */
const NOBODY: BusHandler = { read: (_offset, size) => ones(size), write() {} };

/** Ranges do not overlap. An access belongs to a range only if all its bytes do. */
export class Bus {
  /** What its addresses are, for messages: `"port"`, `"guest-physical"`. */
  readonly name: string;
  /** One past the last address. */
  readonly limit: number;
  /**
   * Takes what no range does.
   *
   * @internal
   */
  readonly nobody: Mapped;
  readonly #ranges: Mapped[] = [];
  #last: Mapped | undefined;

  readonly #changes: Changes;

  /** A bus without ranges. `limit` is one past its last address. */
  constructor(name: string, limit: number, changes: Changes = new Changes()) {
    this.#changes = changes;
    this.name = name;
    this.limit = limit;
    this.nobody = new Mapped({ base: 0, size: limit, name }, NOBODY);
  }

  /** Throws `RangeError` if the range leaves the bus or overlaps one that is there. */
  add(range: BusRange, handler: BusHandler): void {
    const { base, size, name } = range;
    if (
      !Number.isSafeInteger(base) || !Number.isSafeInteger(size) || base < 0 || size < 1 ||
      base + size > this.limit
    ) {
      throw new RangeError(
        `${this.name} range ${show(range)} of ${name} lies outside 0x0-0x${(this.limit - 1).toString(16)}`,
      );
    }
    const at = this.#after(base);
    // Ranges do not overlap: only the neighbours can be in the way.
    const other = [this.#ranges[at - 1], this.#ranges[at]].find((r) =>
      r && base < r.base + r.size && r.base < base + size
    );
    if (other) {
      throw new RangeError(
        `${this.name} range ${show(range)} of ${name} overlaps ${show(other)} of ${other.name}`,
      );
    }
    this.#ranges.splice(at, 0, new Mapped(range, handler));
    this.#changes.note();
  }

  /** Takes away the range that starts at `base`; false if there is none. */
  remove(base: number): boolean {
    const at = this.#ranges.findIndex((range) => range.base === base);
    if (at < 0) return false;
    this.#ranges.splice(at, 1);
    this.#last = undefined;
    this.#changes.note();
    return true;
  }

  /** The range that holds all `size` bytes from `address`. */
  find(address: number, size = 1): (BusRange & { readonly handler: BusHandler }) | undefined {
    return this.mapped(address, size);
  }

  /** @internal */
  mapped(address: number, size: number): Mapped | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address + size <= last.base + last.size) return last;
    const found = this.#ranges[this.#after(address) - 1];
    if (!found || address + size > found.base + found.size) return undefined;
    this.#last = found;
    return found;
  }

  /** Whether nothing claims any of these addresses. */
  isFree(base: number, size: number): boolean {
    const at = this.#after(base), before = this.#ranges[at - 1], after = this.#ranges[at];
    return !(before && base < before.base + before.size) && !(after && after.base < base + size);
  }

  /** Index of the first range that begins after an address. */
  #after(address: number): number {
    let low = 0, high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle].base > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** By address. */
  get list(): readonly BusRange[] {
    return this.#ranges;
  }
}

function show({ base, size }: { base: number; size: number }): string {
  return `0x${base.toString(16)}-0x${(base + size - 1).toString(16)}`;
}
