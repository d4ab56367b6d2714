/** Exits as the ledger has charged them: the one that is open, and one that may be made again. */
import type { Direction, NativeReason } from "../engine/native_reason.ts";
import type { Cell } from "./aggregate.ts";
import type { Prices } from "./profile.ts";
import type { ExitSite } from "./row.ts";
import type { Handling } from "./stages.ts";

/** What an exit is charged by. */
export type ChargedArguments = readonly [
  native: NativeReason,
  key: number,
  direction: Direction,
  size: number,
  handledIn: Handling,
  site: ExitSite,
];

/** A vCPU's last exit: its device and further accesses are still to come. */
export class OpenExit {
  cell: Cell | undefined;
  prices: Prices = [];
  /** Its number, if it is recorded. */
  row: number | undefined;
  /** Cycles of its device and its further accesses so far. */
  extra = 0;

  /** Another exit follows: this one is complete. */
  close(): void {
    if (this.extra !== 0) this.cell?.settle(this.extra);
    this.extra = 0;
  }
  /** Another exit begins, which has no row yet. */
  turnTo(cell: Cell, prices: Prices): void {
    this.cell = cell;
    this.prices = prices;
    this.row = undefined;
  }
}

/**
 * An exit as it was charged, to be charged again: a loop on a device makes the same one over and over, and only their
 * number is kept until another comes, or somebody looks.
 */
export class ChargedExit {
  readonly native: NativeReason;
  readonly key: number;
  readonly direction: Direction;
  readonly size: number;
  readonly handledIn: Handling;
  readonly site: ExitSite;
  /** What it costs. */
  readonly price: number;
  /** Times that it was charged again and not counted yet. */
  count = 0;
  /** `Ledger.#era` in which it needs no look; `NEVER` if it has to be recorded or told of. */
  readonly era: number;
  readonly cell: Cell;
  readonly open: OpenExit;
  readonly prices: Prices;

  constructor(
    [native, key, direction, size, handledIn, site]: ChargedArguments,
    { cell, open, prices, price, era }: Pick<ChargedExit, "cell" | "open" | "prices" | "price" | "era">,
  ) {
    this.native = native;
    this.key = key;
    this.direction = direction;
    this.size = size;
    this.handledIn = handledIn;
    this.site = site;
    this.cell = cell;
    this.open = open;
    this.prices = prices;
    this.price = price;
    this.era = era;
  }

  isLike(key: number, size: number, site: ExitSite, era: number): boolean {
    return key === this.key && size === this.size && site === this.site && era === this.era;
  }
}

/** The era of an exit that has to be recorded or told of each time. */
export const NEVER = -1;

/**
 * Who counts exits by itself that were charged before, as compiled code does.
 *
 * @internal
 */
export interface CountedElsewhere {
  /** The exit that was counted last, if the ledger has not been told of it yet. */
  takeLast(): ChargedExit | undefined;
  /** Calls `countAgain` for what was counted. */
  collect(): void;
  /** What is counted from now on has to be charged by the ledger. */
  forget(): void;
}
