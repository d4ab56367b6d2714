/** Entries where nothing can be edited: the terminal's own lines, a prompt before each. */
import type { ReaderHost } from "./editor/reader.ts";
import type { EntryReader } from "./prompt.ts";
import { onInterrupt } from "./interrupts.ts";
import { linesOf } from "./lines.ts";
import type { Sink } from "./session.ts";

export class PlainReader implements EntryReader {
  readonly #out: Sink;
  readonly #host: ReaderHost;
  readonly close: () => void;
  readonly #lines = linesOf(Deno.stdin.readable)[Symbol.asyncIterator]();
  #reading = false;
  /** Lines of TypeScript that go on. */
  #text = "";

  constructor(out: Sink, host: ReaderHost) {
    this.#out = out;
    this.#host = host;
    this.close = onInterrupt(() => this.#interrupted());
  }

  async read(): Promise<string | undefined> {
    this.#text = "";
    this.#reading = true;
    try {
      for (;;) {
        this.#ask();
        const { value, done } = await this.#lines.next();
        if (done) return undefined;
        const text = this.#text === "" ? value : `${this.#text}\n${value}`;
        if (!await this.#host.goesOn(text)) return text;
        this.#text = text;
      }
    } finally {
      this.#reading = false;
    }
  }

  #ask(): void {
    const { first, further } = this.#host.prompt();
    this.#out.write(this.#text === "" ? first : further);
  }

  /** The terminal has shown it. */
  echo(): void {}

  note(text: string): void {
    this.#out.write(`\n${text}\n`);
    if (this.#reading) this.#ask();
  }

  /** Busy: stops what runs. Idle: drops what is typed. */
  #interrupted(): void {
    if (!this.#reading) return this.#host.interrupt();
    const empty = this.#text === "";
    this.#text = "";
    this.#out.write(empty ? `\n${this.#host.farewell}\n` : "\n");
    this.#ask();
  }
}
