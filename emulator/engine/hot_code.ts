/**
 * Decides what is worth a region: addresses at which the interpreter was found at work more than once. It is looked at
 * every so many instructions, counted and not timed, so that the same run compiles the same.
 */
import { Breadth } from "./breadth.ts";

/**
 * When regions are compiled by themselves: `off` never, `hot` what takes time, `first` all that is entered, or by other
 * thresholds than those of `hot` (for tests, both).
 */
export type RegionPolicy = "off" | "hot" | "first" | RegionThresholds;

/** What makes an address hot. */
export interface RegionThresholds {
  /** Instructions between two looks, at first. */
  readonly interval: number;
  /** Times that the interpreter is found at an address. */
  readonly found: number;
  /** Times that a region is left for an address that no region has, each some ten times dearer than a branch. */
  readonly leftFor: number;
}

const HOT: RegionThresholds = { interval: 20_000, found: 2, leftFor: 16 };
/**
 * Regions after which an address has to be worth twice as much: to compile one takes as long as millions of instructions, and
 * much code that is executed evenly is not worth that anywhere.
 */
const DOUBLE_AFTER = 128;
/** Where much code is executed evenly: looks that have to find an address of late, and how much more often one is left for. */
const BROAD = { found: 4, leftFor: 256 };
/** What the thresholds are multiplied by at most. */
const MOST_SCALE = 1024;
/** Addresses that are remembered at most. */
const MOST = 4096;
/** Regions given up for an address, as their code changed, before it is left to the interpreter. */
const MOST_CHANGES = 8;
/** Instructions between two looks at most. */
const LONGEST = 2_000_000;
/** Looks in a row that lead to nothing new, after which they become rarer. */
const PATIENCE = 16;

export class HotCode {
  readonly #policy: "off" | "hot" | "first";
  readonly #thresholds: RegionThresholds;
  readonly #seen = new Map<bigint, number>();
  readonly #left = new Map<bigint, number>();
  /** Addresses that were given up, how often, or for ever. */
  readonly #changes = new Map<bigint, number>();
  readonly #breadth = new Breadth();
  #interval: number;
  #idle = 0;
  /** Times that something was to be compiled. */
  #granted = 0;
  /** What the thresholds are multiplied by. */
  #scale = 1;

  constructor(policy: RegionPolicy) {
    this.#policy = typeof policy === "string" ? policy : "hot";
    this.#thresholds = typeof policy === "string" ? HOT : policy;
    this.#interval = this.#thresholds.interval;
  }

  /** Instructions until the next look. */
  get interval(): number {
    return this.#policy === "off" ? LONGEST : this.#interval;
  }

  /** Whether the address is to be compiled before it is entered for the first time. */
  compilesAtOnce(pc: bigint): boolean {
    return this.#policy === "first" && !this.#isCold(pc);
  }

  /** The interpreter was found at an address: whether that is to be compiled. */
  look(pc: bigint): boolean {
    if (this.#policy === "off") return false;
    this.#breadth.look(pc);
    if (++this.#idle > PATIENCE) this.#slowDown();
    if (this.#isCold(pc)) return false;
    if (this.#seen.size >= MOST) this.#seen.clear();
    const times = (this.#seen.get(pc) ?? 0) + 1;
    this.#seen.set(pc, times);
    if (times < this.#scale * this.#thresholds.found) return false;
    if (this.#breadth.isBroad && this.#breadth.timesAt(pc) < BROAD.found) return false;
    this.#seen.delete(pc);
    this.#grant();
    this.#idle = 0;
    this.#interval = this.#thresholds.interval;
    return true;
  }

  /** A region was left for an address that the interpreter has to go on at: whether that is to be compiled. */
  leftFor(pc: bigint): boolean {
    if (this.#policy === "off" || this.#isCold(pc)) return false;
    if (this.#left.size >= MOST) this.#left.clear();
    const times = (this.#left.get(pc) ?? 0) + 1;
    this.#left.set(pc, times);
    const scale = this.#breadth.isBroad ? BROAD.leftFor * this.#scale : this.#scale;
    if (times < scale * this.#thresholds.leftFor) return false;
    this.#left.delete(pc);
    this.#grant();
    return true;
  }

  /** A region was found at work: nothing to do for a while. */
  busy(pc: bigint): void {
    this.#breadth.look(pc);
    this.#slowDown();
  }

  /** There were too many regions, and all were given up: what is compiled from now on has to be worth more. */
  flooded(): void {
    this.#scale = Math.min(2 * this.#scale, MOST_SCALE);
  }

  /** The address cannot be compiled. */
  refuse(pc: bigint): void {
    this.#changes.set(pc, MOST_CHANGES);
  }

  /** The code of a region changed. */
  changed(pc: bigint): void {
    if (this.#changes.size >= MOST) this.#changes.clear();
    this.#changes.set(pc, (this.#changes.get(pc) ?? 0) + 1);
  }

  /** Everything may be different from now on. */
  forget(): void {
    this.#seen.clear();
    this.#left.clear();
    this.#changes.clear();
    this.#breadth.forget();
    this.#scale = 1;
    this.#granted = 0;
    this.#interval = this.#thresholds.interval;
    this.#idle = 0;
  }

  /** Something is to be compiled. */
  #grant(): void {
    if (++this.#granted % DOUBLE_AFTER === 0) this.#scale = Math.min(2 * this.#scale, MOST_SCALE);
  }

  #isCold(pc: bigint): boolean {
    return (this.#changes.get(pc) ?? 0) >= MOST_CHANGES;
  }

  #slowDown(): void {
    this.#interval = Math.min(2 * this.#interval, LONGEST);
  }
}
