/**
 * An 8254 programmable interval timer, Intel data sheet 231164: three counters, modes 0, 2 and 3 (any other counts
 * as mode 0 does and its output is not used). Counter 0's output is the timer interrupt. A count is loaded on the
 * first clock after it was written, also while the old one is running, as KVM's in-kernel timer does.
 */

import type { SavedFields } from "../../engine/saved_fields.ts";
import type { SavedState } from "../../engine/saved_state.ts";

/** Ticks a second of the PC's 14.31818 MHz clock divided by 12. */
export const PIT_HZ = 1_193_182;

type Access = 1 | 2 | 3;

/** One counter. Times are in ticks. */
class Counter {
  mode = 0;
  #access: Access = 3;
  #bcd = false;
  #count = 0;
  /** When the count was written; undefined until the first one. */
  #since: number | undefined;
  #low: number | undefined;
  #highNext = false;
  #latched: number | undefined;
  #status: number | undefined;

  save(): SavedState {
    return {
      mode: this.mode,
      access: this.#access,
      bcd: this.#bcd,
      count: this.#count,
      since: this.#since ?? null,
      low: this.#low ?? null,
      highNext: this.#highNext,
      latched: this.#latched ?? null,
      status: this.#status ?? null,
    };
  }
  load(saved: SavedFields): void {
    const maybe = (name: string, most: number, least = 0) =>
      saved.has(name) ? saved.whole(name, most, least) : undefined;
    this.mode = saved.whole("mode", 5);
    this.#access = saved.oneOf("access", [1, 2, 3]);
    this.#bcd = saved.flag("bcd");
    this.#since = maybe("since", Number.MAX_SAFE_INTEGER);
    // A counter that runs counts from something.
    this.#count = saved.whole("count", 0x1_0000, this.#since === undefined ? 0 : 1);
    this.#low = maybe("low", 0xff);
    this.#highNext = saved.flag("highNext");
    this.#latched = maybe("latched", 0xffff);
    this.#status = maybe("status", 0xff);
  }

  control(value: number, now: number): void {
    const access = value >> 4 & 3;
    if (access === 0) {
      this.#latched ??= this.#value(now);
      return;
    }
    const mode = value >> 1 & 7;
    this.#access = access as Access;
    // Modes 2 and 3 have a second code each.
    this.mode = mode > 5 ? mode - 4 : mode;
    this.#bcd = (value & 1) !== 0;
    this.#since =
      this.#low =
      this.#latched =
      this.#status =
        undefined;
    this.#highNext = false;
  }

  /** The read-back command: what its bits ask for is kept until it is read. */
  readBack(count: boolean, status: boolean, now: number): void {
    if (count) this.#latched ??= this.#value(now);
    const output = this.output(now) ? 0x80 : 0, empty = this.#since === undefined ? 0x40 : 0;
    if (status) this.#status ??= output | empty | this.#access << 4 | this.mode << 1 | (this.#bcd ? 1 : 0);
  }

  write(value: number, now: number): void {
    if (this.#access === 3 && this.#low === undefined) {
      this.#low = value;
      return;
    }
    const count = this.#access === 1 ? value : value << 8 | (this.#low ?? 0);
    this.#low = undefined;
    const binary = this.#bcd ? fromBcd(count) : count;
    this.#count = binary === 0 ? this.#modulus : binary;
    this.#since = now;
  }

  read(now: number): number {
    if (this.#status !== undefined) {
      const status = this.#status;
      this.#status = undefined;
      return status;
    }
    const value = this.#latched ?? this.#value(now);
    const high = this.#access === 2 || this.#access === 3 && this.#highNext;
    if (this.#access === 3) this.#highNext = !this.#highNext;
    if (!this.#highNext) this.#latched = undefined;
    return (high ? value >> 8 : value) & 0xff;
  }

  /** OUT at a time. */
  output(now: number): boolean {
    const run = this.#running(now);
    if (run === undefined) return this.mode !== 0;
    if (this.mode === 2) return run < 0 || run % this.#count !== this.#count - 1;
    if (this.mode === 3) return run < 0 || run % this.#count < Math.ceil(this.#count / 2);
    return run >= this.#count;
  }

  /** The first time after `now` at which OUT rises, `Infinity` if it does not. */
  nextRise(now: number): number {
    if (this.#since === undefined) return Infinity;
    const loaded = this.#since + 1;
    if (this.mode === 2 || this.mode === 3) {
      const periods = Math.max(0, Math.floor((now - loaded) / this.#count));
      return loaded + (periods + 1) * this.#count;
    }
    return this.mode === 0 && now < loaded + this.#count ? loaded + this.#count : Infinity;
  }

  get #modulus(): number {
    return this.#bcd ? 10_000 : 0x1_0000;
  }

  /** Ticks since the count was loaded; -1 in the clock before. */
  #running(now: number): number | undefined {
    return this.#since === undefined ? undefined : now - this.#since - 1;
  }

  #value(now: number): number {
    const run = Math.max(0, this.#running(now) ?? 0), n = this.#count;
    const whole = this.#modulus;
    let value = n === 0 ? 0 : ((n - run) % whole + whole) % whole;
    if (n !== 0 && this.mode === 2) value = n - run % n;
    // By twos, twice through the count in each period.
    if (n !== 0 && this.mode === 3) {
      const half = Math.ceil(n / 2), at = run % n;
      value = (n - n % 2) - 2 * (at < half ? at : at - half);
      if (value < 0) value = 0;
    }
    value %= whole;
    return this.#bcd ? toBcd(value) : value;
  }
}

/** The chip; times are ticks of its clock. */
export class Pit8254 {
  readonly #counters: readonly Counter[];

  constructor() {
    this.#counters = [new Counter(), new Counter(), new Counter()];
  }

  save(): SavedState {
    return this.#counters.map((counter) => counter.save());
  }
  load(counters: readonly SavedFields[]): void {
    this.#counters.forEach((counter, i) => counter.load(counters[i]));
  }

  /** Port 0x40 + `offset`; the control word has no reading. */
  read(offset: number, now: number): number {
    return offset === 3 ? 0 : this.#counters[offset].read(now);
  }
  write(offset: number, value: number, now: number): void {
    if (offset < 3) return this.#counters[offset].write(value, now);
    const select = value >> 6;
    if (select < 3) return this.#counters[select].control(value, now);
    this.#counters.forEach((counter, i) => {
      if (value & 2 << i) counter.readBack((value & 0x20) === 0, (value & 0x10) === 0, now);
    });
  }

  /** OUT of counter 0. */
  output(now: number): boolean {
    return this.#counters[0].output(now);
  }
  /** When OUT of counter 0 rises next. */
  nextRise(now: number): number {
    return this.#counters[0].nextRise(now);
  }
}

function fromBcd(value: number): number {
  return [12, 8, 4, 0].reduce((sum, shift) => 10 * sum + (value >> shift & 15), 0);
}
function toBcd(value: number): number {
  return [1000, 100, 10, 1].reduce((bits, unit) => bits << 4 | Math.floor(value / unit) % 10, 0);
}
