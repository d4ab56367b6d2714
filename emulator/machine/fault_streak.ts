/** Exceptions that follow each other without an instruction completed between them: such a guest would run for ever. */
import type { SavedFields } from "../engine/saved_fields.ts";

/** So many in a row may be the guest's way; after more it is stopped, as it would never use up a budget. */
const LIMIT = 1000;

export class FaultStreak {
  #length = 0;
  /** The count of instructions that all of them were raised at. */
  #at = -1;

  /** One more, within an instruction or between two alike: both kinds may follow each other. Tells when it is too much. */
  add(instructions: number): string | undefined {
    this.#length = instructions === this.#at ? this.#length + 1 : 1;
    this.#at = instructions;
    if (this.#length <= LIMIT) return undefined;
    return `${LIMIT} exceptions in a row, and no instruction completed between them`;
  }

  save(): { faults: number; faultsAt: number } {
    return { faults: this.#length, faultsAt: this.#at };
  }
  load(saved: SavedFields): void {
    this.#length = saved.whole("faults");
    this.#at = saved.whole("faultsAt", Number.MAX_SAFE_INTEGER, -1);
  }
}
