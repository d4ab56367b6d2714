/** One who takes part: an engine, how it is configured, and what it does for an instruction. */
import type { PeerGuest } from "./guests.ts";
import type { PeerImage } from "./image.ts";

export interface Contender {
  readonly name: string;
  /** What it does beside executing instructions. */
  readonly about: string;
  /** Why it cannot run at all here, or its version. */
  find(): Promise<{ readonly missing: string } | { readonly version: string }>;
  /** Whether it can run this guest. */
  runs(guest: PeerGuest): boolean;
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
  readonly #expected: bigint;
  readonly #who: string;
  #word = 0n;
  #filled = 0;
  /** Results that have come in, and when the first and the last of them did. */
  count = 0;
  first = 0;
  last = 0;

  constructor(guest: Pick<PeerGuest, "bits" | "result">, who: string) {
    this.#bytes = guest.bits / 8;
    this.#expected = guest.result;
    this.#who = who;
  }

  take(byte: number, now: number): void {
    this.#word |= BigInt(byte) << BigInt(8 * this.#filled++);
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
