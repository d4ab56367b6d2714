/**
 * The way of an exit that was made before. Where an exit goes is a function of the guest's state, a few words of it, and
 * of how the machine is set up: while none of them has changed it goes there again, and nobody needs to be asked.
 * What the exit costs, and whatever is told of it, is no part of that: it is charged, noticed and answered as any other.
 */
import { SeenWords } from "../engine/state.ts";
import type { ChargedExit } from "../exits/charged_exit.ts";
import type { Handling } from "../exits/stages.ts";
import type { Answerer } from "./answerer.ts";
import type { AccessSize } from "./bus.ts";

/** What an exit came to: an access that went straight to who answers it, or a hypercall. */
export class ExitWay {
  answerer: Answerer | undefined;
  /** What was charged for it. */
  charged: ChargedExit | undefined;
  key = 0;
  /** Of the key from where the range begins that answers. */
  offset = 0;
  direction: "in" | "out" | "none" = "none";
  size: AccessSize = 1;
  handledIn: Handling = "kernel";
  /** `Changes.count` of then. */
  changes = -1;

  copy(way: ExitWay): void {
    this.answerer = way.answerer;
    this.charged = way.charged;
    this.key = way.key;
    this.offset = way.offset;
    this.direction = way.direction;
    this.size = way.size;
    this.handledIn = way.handledIn;
    this.changes = way.changes;
  }
}

/** The way of the exit that was made last, if another one may go it without a look. */
export class LastWay {
  readonly #way = new ExitWay();
  #known = false;
  #wordsAreAll = true;

  /** An exit may follow whose way is wanted. */
  expect(): void {
    this.#known = false;
    this.#wordsAreAll = true;
  }
  /** More than a few words of the guest's state decide on what is at hand. */
  dependsOnMore(): void {
    this.#wordsAreAll = false;
  }
  /** The exit at hand can be made again: its way, to be filled in. */
  note(): ExitWay {
    this.#known = true;
    return this.#way;
  }
  /** The way of the exit that has been made since one was expected. */
  get found(): ExitWay | undefined {
    return this.#known && this.#wordsAreAll ? this.#way : undefined;
  }
}

/** Lanes of a vCPU: a driver talks to a few registers of a device or two. */
const LANES = 16;
/** The way of a trap's exit, with the words that it depends on. */
export class TrapLane {
  trap = -1;
  readonly seen = new SeenWords();
  readonly way = new ExitWay();
}

export class TrapLanes {
  readonly #lanes = Array.from({ length: LANES }, () => new TrapLane());

  /** Where the way of a trap would be whose first argument is this. */
  of(trap: number, argument: number): TrapLane {
    return this.#lanes[(trap ^ argument) & LANES - 1];
  }
}

/** The ways of accesses to guest-physical addresses without memory. */
export class MemoryLanes {
  readonly #loads = Array.from({ length: LANES }, () => new ExitWay());
  readonly #stores = Array.from({ length: LANES }, () => new ExitWay());

  /** Where the way of such an access would be; `low` is of the address. */
  of(direction: "in" | "out", low: number): ExitWay {
    const lanes = direction === "in" ? this.#loads : this.#stores;
    return lanes[low >>> 2 & LANES - 1];
  }
}
