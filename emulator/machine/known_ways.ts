/**
 * Ways of exits that compiled code compares and counts by itself (`WAY`): what they are, and the ledger's part of it. The
 * ledger asks for what was counted whenever somebody looks at it.
 */
import type { CpuState } from "../engine/state.ts";
import type { ChargedExit, CountedElsewhere } from "../exits/charged_exit.ts";
import type { Ledger } from "../exits/ledger.ts";
import { COUNTED, isAccess, WAY, wayAt } from "../ir/way_layout.ts";
import type { Board } from "./board.ts";
import type { Changes } from "./changes.ts";
import { ExitWay } from "./exit_lane.ts";

export class KnownWay extends ExitWay {
  /** The guest's access is big-endian. */
  swaps = false;
  isLoad = false;
  isStore = false;
  /** It was found by an address of memory. */
  isMemory = false;
  /** Exits at its place that went another way. */
  missed = 0;
}

/** A place whose exits go many ways is not told each of them. */
const TOLD_EVERY = 8;

export class KnownWays implements CountedElsewhere {
  readonly #state: CpuState;
  readonly #exits: Ledger;
  readonly #changes: Changes;
  readonly #ways = Array.from({ length: WAY.entries }, () => new KnownWay());

  constructor(state: CpuState, { exits, changes }: Pick<Board, "exits" | "changes">) {
    this.#state = state;
    this.#exits = exits;
    exits.countsElsewhere(this);
    this.#changes = changes;
  }

  of(number: number): KnownWay {
    return this.#ways[number];
  }

  /** Cycles of the exits that were counted here. */
  get charged(): number {
    return this.#state.getNumber(COUNTED.cycles);
  }

  /** Whether the place of a number is to be told the way that its exit went. */
  wants(number: number, { charged, changes }: ExitWay): boolean {
    // Its handler may have changed what it depends on.
    if (charged === undefined || !this.#exits.mayRepeat(charged) || changes !== this.#changes.count) {
      return false;
    }
    if (charged.price >= 2 ** 32) return false;
    const known = this.#ways[number];
    return known.changes !== changes || known.missed++ % TOLD_EVERY === 0;
  }

  /** An exit that was asked for at a place goes this way from now on, while its words are these. */
  keep(number: number, way: ExitWay, tag: number, words: readonly number[], swaps = false): void {
    this.#collect(number);
    const state = this.#state, known = this.#ways[number], at = wayAt(number);
    known.copy(way);
    known.swaps = swaps;
    known.isLoad = way.direction === "in";
    known.isStore = way.direction === "out";
    known.isMemory = isAccess(tag);
    state.set32(at + WAY.tag, tag);
    state.set32(at + WAY.price, way.charged!.price);
    words.forEach((word, i) => state.set32(at + WAY.words + 4 * i, word));
  }

  /** One was counted that has not gone this way. */
  takeBack(number: number): void {
    const state = this.#state, at = wayAt(number);
    state.set32(at + WAY.count, state.get32(at + WAY.count) - 1);
    state.setNumber(COUNTED.cycles, state.getNumber(COUNTED.cycles) - state.get32(at + WAY.price));
    state.set32(COUNTED.last, 0);
  }

  takeLast(): ChargedExit | undefined {
    const state = this.#state, last = state.get32(COUNTED.last);
    if (last === 0) return undefined;
    state.set32(COUNTED.last, 0);
    return this.#ways[last].charged;
  }

  collect(): void {
    for (let number = 1; number < WAY.entries; number++) this.#collect(number);
  }
  #collect(number: number): void {
    const state = this.#state, at = wayAt(number), count = state.get32(at + WAY.count);
    if (count === 0) return;
    state.set32(at + WAY.count, 0);
    this.#exits.countAgain(this.#ways[number].charged!, count);
  }

  forget(): void {
    for (let number = 1; number < WAY.entries; number++) {
      this.#state.set32(wayAt(number) + WAY.tag, 0);
      this.#ways[number].changes = -1;
    }
  }
}
