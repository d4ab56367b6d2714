/** What was done in a session, so that it can be done again. */

/** Beyond this a session is a program's, and not worth replaying by lines. */
const MOST_LINES = 100_000;

/** The lines that a session has done. */
export class Journal {
  readonly #lines: string[] = [];
  #dropped = 0;

  /** Lines that were done without an error, in order; TypeScript over several lines is one entry. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Lines that did not fit: without them the others do not give the same session. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Keeps a line, if there is room. */
  add(line: string): void {
    if (this.#lines.length < MOST_LINES) this.#lines.push(line);
    else this.#dropped++;
  }
}
