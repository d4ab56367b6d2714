/**
 * Parts of a VM that layers above it add, and whose state a snapshot has to hold: what stands on a bus or in the
 * hypercall table without being a device, such as transports.
 */
import type { SavedState } from "../engine/saved_state.ts";

/** Something whose state belongs to the VM's. */
export interface StatePart {
  /** All that its later behaviour depends on, as plain data: asked between two runs. */
  save(): SavedState;
  /** Puts back what `save` gave. Throws if it cannot. */
  load(state: SavedState): void;
}

/** The parts of a VM by name. The state of one that is added after its VM was restored waits for it. */
export class StateParts {
  readonly #parts = new Map<string, StatePart>();
  readonly #waiting = new Map<string, SavedState>();

  /** Adds a part, and loads its state if a snapshot had one. Throws `RangeError` if the name is taken, and what `load` throws. */
  add(name: string, part: StatePart): void {
    if (this.#parts.has(name)) throw new RangeError(`there is a part ${name} of the VM already`);
    const state = this.#waiting.get(name);
    if (state !== undefined) part.load(state);
    this.#waiting.delete(name);
    this.#parts.set(name, part);
  }

  /** Takes a part away with its state; false if there is none of that name. */
  remove(name: string): boolean {
    return this.#parts.delete(name);
  }

  /** Names of parts that a snapshot had state of and that have not been added yet. */
  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  /**
   * States by name, of parts that are waited for too.
   *
   * @internal
   */
  save(): { readonly [name: string]: SavedState } {
    const states = new Map(this.#waiting);
    for (const [name, part] of this.#parts) states.set(name, part.save());
    return Object.fromEntries([...states].sort(([a], [b]) => a < b ? -1 : 1));
  }

  /**
   * State to wait for its part.
   *
   * @internal
   */
  expect(name: string, state: SavedState): void {
    this.#waiting.set(name, state);
  }
}
