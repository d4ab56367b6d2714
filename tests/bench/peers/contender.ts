/** One who takes part: an engine, how it is configured, and what it does for an instruction. */
import type { PeerGuest } from "./guest.ts";
import type { PeerImage } from "./image.ts";
import type { PeerSystem } from "./systems.ts";

/** A contender that is there: which version, and whether it can run a guest. */
export interface Found {
  readonly version: string;
  runs(guest: PeerGuest): boolean;
}

export interface Contender {
  readonly name: string;
  /** What it does beside executing instructions. */
  readonly about: string;
  /** Why it cannot run at all here, or what it can. */
  find(): Promise<{ readonly missing: string } | Found>;
  /** Loads the guest and lets it run until it is as fast as it gets. */
  start(guest: PeerGuest, image: PeerImage): Promise<Running>;
}

export interface Running {
  /** Passes for at least this long, from the end of one to the end of another; milliseconds a pass. */
  time(leastMs: number): Promise<number>;
  close(): Promise<void>;
}

/** Runs before the first timing last this long: V8 takes some 0.3 s to optimise what is hot. */
export const WARM_MS = 800;

/** Takes what a guest tells, byte by byte, and the time of each result's last byte. Throws if a result is wrong. */
export class Results {
  readonly #bytes: number;
  readonly #told: "le" | "be";
  readonly #expected: bigint;
  readonly #who: string;
  #word = 0n;
  #filled = 0;
  /** Results that have come in, and when the first and the last of them did. */
  count = 0;
  first = 0;
  last = 0;

  constructor(
    { system, result }: { readonly system: Pick<PeerSystem, "bits" | "told">; readonly result: bigint },
    who: string,
  ) {
    this.#bytes = system.bits / 8;
    this.#told = system.told;
    this.#expected = result;
    this.#who = who;
  }

  take(byte: number, now: number): void {
    const position = this.#told === "le" ? this.#filled : this.#bytes - 1 - this.#filled;
    this.#word |= BigInt(byte) << BigInt(8 * position);
    this.#filled++;
    if (this.#filled < this.#bytes) return;
    if (this.#word !== this.#expected) {
      throw new Error(`${this.#who} computed ${this.#word}, expected ${this.#expected}`);
    }
    this.#word = 0n;
    this.#filled = 0;
    if (this.count++ === 0) this.first = now;
    this.last = now;
  }

  /** What comes from now on is timed anew; a result that is half told stays so. */
  restart(): void {
    this.count = 0;
    this.first = this.last = 0;
  }

  get elapsed(): number {
    return this.last - this.first;
  }

  get msPerPass(): number {
    return this.elapsed / (this.count - 1);
  }
}
