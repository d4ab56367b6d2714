/** Iterations of one repeated instruction that are completed in one exit: those right after each other. */
import type { Direction } from "../engine/native_reason.ts";
import type { SavedFields } from "../engine/saved_fields.ts";
import type { SavedState } from "../engine/saved_state.ts";

export class Series {
  #left = 0;
  #last = -1;
  #key = 0;
  #direction: Direction = "none";
  #size = 0;

  begin(instruction: number, key: number, direction: Direction, size: number, further: number): void {
    this.#left = further;
    this.#last = instruction;
    this.#key = key;
    this.#direction = direction;
    this.#size = size;
  }

  save(): SavedState {
    const [left, last, key, direction, size] = [
      this.#left,
      this.#last,
      this.#key,
      this.#direction,
      this.#size,
    ];
    return { left, last, key, direction, size };
  }
  load(saved: SavedFields): void {
    this.#left = saved.whole("left");
    this.#last = saved.whole("last", Number.MAX_SAFE_INTEGER, -1);
    this.#key = saved.whole("key");
    this.#direction = saved.oneOf("direction", ["none", "in", "out"]);
    this.#size = saved.whole("size", 8);
  }

  /** Whether the iteration at hand is one of them; it is one less then. */
  takes(instruction: number, key: number, direction: Direction, size: number): boolean {
    const next = this.#left > 0 && instruction === this.#last + 1;
    if (!next || key !== this.#key || direction !== this.#direction || size !== this.#size) {
      this.#left = 0;
      return false;
    }
    this.#left--;
    this.#last = instruction;
    return true;
  }

  end(): void {
    this.#left = 0;
  }
}
