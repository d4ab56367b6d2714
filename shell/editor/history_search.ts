/** Ctrl-R and Ctrl-S: entries of the history that contain what is typed, one after the other. */

export interface Found {
  readonly text: string;
  /** Where what was looked for stands. */
  readonly at: number;
}

export class HistorySearch {
  readonly #entries: readonly string[];
  #query = "";
  #index: number;
  #found: Found | undefined;
  #failed = false;
  #back: boolean;

  /** `entries` oldest first. */
  constructor(entries: readonly string[], back: boolean) {
    this.#entries = entries;
    this.#back = back;
    this.#index = back ? entries.length : -1;
  }

  /** The entry found last. */
  get found(): Found | undefined {
    return this.#found;
  }

  get query(): string {
    return this.#query;
  }

  /** What stands in the prompt's place. */
  get label(): string {
    const failed = this.#failed ? "failed " : "";
    return `(${failed}${this.#back ? "reverse-i-search" : "i-search"})\`${this.#query}': `;
  }

  /** A further entry, before or after. */
  further(back: boolean): void {
    this.#back = back;
    if (this.#query !== "") this.#look(this.#index + (back ? -1 : 1));
  }

  /** Looks for something longer, from the present entry on. */
  type(text: string): void {
    this.#query += text;
    this.#look(this.#clamp(this.#index));
  }

  /** Looks for something shorter, from the newest entry on (or the oldest, forwards). */
  rub(): void {
    this.#query = Array.from(this.#query).slice(0, -1).join("");
    this.#found = undefined;
    this.#failed = false;
    this.#index = this.#back ? this.#entries.length : -1;
    if (this.#query !== "") this.#look(this.#clamp(this.#index));
  }

  #clamp(index: number): number {
    return Math.max(0, Math.min(index, this.#entries.length - 1));
  }

  #look(from: number): void {
    const step = this.#back ? -1 : 1;
    for (let index = from; index >= 0 && index < this.#entries.length; index += step) {
      const text = this.#entries[index];
      // Further means another entry, not the same line typed once more.
      if (index !== this.#index && text === this.#found?.text) continue;
      const at = text.lastIndexOf(this.#query);
      if (at < 0) continue;
      this.#index = index;
      this.#found = { text, at };
      this.#failed = false;
      return;
    }
    this.#failed = true;
  }
}
