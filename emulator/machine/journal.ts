/**
 * The accesses that the instruction at hand has completed on devices. An instruction that has to be left
 * half-way (an asynchronous device, a stop) is executed again from its start; what stands here is then
 * taken from here, so that no device sees an access twice.
 */
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";
import type { BusValue } from "./bus.ts";

/** Far more accesses than an instruction makes. */
const MOST = 65_536;

export class Journal {
  readonly #values: (BusValue | undefined)[] = [];
  #instruction = -1;
  #count = 0;
  #next = 0;
  #held = false;

  /** Says which instruction accesses next, by its number: another one than before starts a new page. */
  turnTo(instruction: number): void {
    if (instruction === this.#instruction) return;
    this.#instruction = instruction;
    this.#count = 0;
    this.#next = 0;
    this.#held = false;
  }

  /** As `turnTo`; whether it is the instruction's first access. */
  begins(instruction: number): boolean {
    this.turnTo(instruction);
    return this.#count === 0;
  }

  /** The number of the instruction that it is about. */
  get instruction(): number {
    return this.#instruction;
  }
  /** Whether it is about the instruction of that number. */
  isOf(instruction: number): boolean {
    return this.#instruction === instruction;
  }

  /** Whether the next access was completed before: `take` gives its value. */
  get replays(): boolean {
    return this.#next < this.#count;
  }
  /** Whether what is done already gave no value, as a hypercall does; a load always gives one. */
  get replaysCall(): boolean {
    return this.replays && this.#values[this.#next] === undefined;
  }
  take(): BusValue | undefined {
    return this.#values[this.#next++];
  }

  /** Whether the instruction has completed an access already, so that a further one belongs to the same exit. */
  get started(): boolean {
    return this.#count > 0;
  }

  /** The access at hand is completed, in its turn. */
  complete(value: BusValue | undefined): void {
    this.#values[this.#count++] = value;
    this.#next = this.#count;
  }

  /** The access that was waited for is completed: the instruction will come for it again. */
  completeLater(value: BusValue | undefined): void {
    this.#values[this.#count++] = value;
  }

  /** The instruction of that number is about to be executed; if it was left half-way, again from its start. */
  rewind(instruction: number): void {
    this.#next = 0;
    this.#held = this.#count > 0 && instruction === this.#instruction;
  }
  /** Whether the next access may be one that stands here. */
  get held(): boolean {
    return this.#held;
  }

  save(): SavedState {
    const values = this.#values.slice(0, this.#count).map((value) => value ?? null);
    return { instruction: this.#instruction, values };
  }
  load(saved: SavedFields): void {
    const values = saved.list("values", MOST).map((value) => {
      if (value === null) return undefined;
      if (typeof value === "number" || typeof value === "bigint") return value;
      throw new SyntaxError("the snapshot is malformed: an access was answered with no number");
    });
    this.#instruction = saved.whole("instruction", Number.MAX_SAFE_INTEGER, -1);
    this.#values.splice(0, this.#values.length, ...values);
    this.#count = values.length;
    this.#next = 0;
    this.#held = this.#count > 0;
  }

  /** The instruction will not be executed again: forget it. */
  abandon(): void {
    this.#instruction = -1;
    this.#count = 0;
    this.#next = 0;
    this.#held = false;
  }
}
