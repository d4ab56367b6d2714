/** Up and Down: from what is typed to earlier entries and back. */

export class HistoryWalk {
  readonly #entries: readonly string[];
  readonly #typed: string;
  /** Index of the entry shown; the number of entries is what was typed. */
  #at: number;

  /** `entries` oldest first. Only those that begin as `typed` does are met. */
  constructor(entries: readonly string[], typed: string) {
    this.#entries = entries;
    this.#typed = typed;
    this.#at = entries.length;
  }

  /** The entry before, or after (`step` 1), which is at last what was typed; undefined if there is none. */
  step(step: -1 | 1): string | undefined {
    const shown = this.#shown(this.#at);
    for (let at = this.#at + step; at >= 0 && at <= this.#entries.length; at += step) {
      const entry = this.#shown(at);
      if (!entry.startsWith(this.#typed) || entry === shown) continue;
      this.#at = at;
      return entry;
    }
    return undefined;
  }

  #shown(at: number): string {
    return at === this.#entries.length ? this.#typed : this.#entries[at];
  }
}
