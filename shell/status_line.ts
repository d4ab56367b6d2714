/** One line at the bottom of a terminal that says what goes on: drawn over and over, and out of the way of everything else. */
import type { Sink } from "./session.ts";

/** A sink that knows whether the next text begins a line. */
export interface LineSink extends Sink {
  /** True where what was written last ended a line. */
  readonly atLineStart: boolean;
}

/** Where the line is drawn: a terminal's standard error, so that it is in no pipe. */
export class StatusLine {
  readonly #terminal: Sink;
  readonly #columns: () => number;
  /** Sinks whose text comes on the same terminal. */
  readonly #guarded: LineSink[] = [];
  #shown = false;

  constructor(terminal: Sink, columns: () => number) {
    this.#terminal = terminal;
    this.#columns = columns;
  }

  /** The same sink, which takes the line away before it writes. */
  guard(sink: Sink): LineSink {
    let atLineStart = true;
    const guarded = {
      get atLineStart() {
        return atLineStart;
      },
      write: (text: string) => {
        if (text === "") return;
        this.clear();
        atLineStart = text.endsWith("\n");
        sink.write(text);
      },
    };
    this.#guarded.push(guarded);
    return guarded;
  }

  /** Draws the line, unless others have left the cursor in the middle of one of theirs: a guest that asks for input. */
  show(text: string): void {
    if (!this.#guarded.every(({ atLineStart }) => atLineStart)) return;
    this.#shown = true;
    // Full to the last column it would go on in the next line.
    this.#terminal.write(`\r${text.slice(0, this.#columns() - 1)}\x1b[K`);
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.#shown) return;
    this.#shown = false;
    this.#terminal.write("\r\x1b[K");
  }
}
