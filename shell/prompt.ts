/** The prompt on a terminal: reads entries, does them, and survives whatever they do. */
import { complete } from "./complete.ts";
import { Reader, type ReaderHost } from "./editor/reader.ts";
import type { Terminal } from "./editor/terminal.ts";
import { splitEntries } from "./entries.ts";
import { showError } from "./errors.ts";
import { highlight } from "./highlight.ts";
import { hintFor } from "./hints.ts";
import type { History } from "./history.ts";
import type { LiveSession } from "./live_session.ts";
import { lookOf } from "./looks.ts";
import { PlainReader } from "./plain_reader.ts";
import { reflow } from "./reflow.ts";
import { takeConsole } from "./prompt_console.ts";

export interface PromptOptions {
  readonly history: History;
  /** Undefined where nothing can be edited (a dumb terminal, output to a pipe): lines as they come. */
  readonly terminal: Terminal | undefined;
  /** True where the next text begins a line; what a guest prints need not end in one. */
  readonly atLineStart: () => boolean;
  readonly debug?: boolean;
}

/** What reads entries. */
export interface EntryReader {
  /** The next entry, of one line or several; undefined for the end. */
  read(): Promise<string | undefined>;
  /** Shows what is done now, where it is not on the screen already. */
  echo(text: string): void;
  /** Says something beside what is typed. */
  note(text: string): void;
  close(): void;
}

/** Reads and does lines until Ctrl-D or `quit`. Returns the exit status: 0 unless `quit` gave one. */
export async function runPrompt(session: LiveSession, options: PromptOptions): Promise<number> {
  const prompt = new Prompt(session, options);
  try {
    return await prompt.run();
  } finally {
    prompt.close();
  }
}

/** Characters beyond which a paste goes without colours, as they are worked out again at each key. */
const MOST_COLORED = 20_000;

class Prompt {
  readonly #session: LiveSession;
  readonly #options: PromptOptions;
  readonly #reader: EntryReader;
  readonly #forget: () => void;
  /** What Enter on an empty line does again. */
  #repeat = "";
  #busy = false;

  constructor(session: LiveSession, options: PromptOptions) {
    this.#session = session;
    this.#options = options;
    const { terminal } = options;
    this.#reader = terminal ? new Reader(terminal, this.#host()) : new PlainReader(session.out, this.#host());
    const lost = onLost((error) => this.#print(this.#shown(error)));
    const taken = takeConsole((text) => this.#print(text), session.style.color);
    this.#forget = () => {
      lost();
      taken();
    };
  }

  #host(): ReaderHost {
    const session = this.#session;
    const { style } = session;
    const history = () => this.#options.history.entries;
    return {
      prompt: () => {
        const first = `trapsh ${session.settings.arch}> `;
        return { first, further: "... ".padStart(first.length) };
      },
      history,
      // A hint that looks like what is typed would mislead.
      hint: (text) => style.color ? quietly(() => hintFor(session, history(), text), undefined) : undefined,
      spans: (text) =>
        style.color && text.length <= MOST_COLORED ? quietly(() => highlight(session, text), []) : [],
      paint: (look, text) => style.paint(lookOf(look), text),
      complete: (before) => complete(session, before),
      goesOn: (text) => this.#goesOn(text),
      interrupt: () => session.interrupt(),
      farewell: "Ctrl-D or quit ends trapsh",
    };
  }

  /** An empty line ends what was to go on, and so tells what is wrong with it. */
  async #goesOn(text: string): Promise<boolean> {
    if (/(?:^|\n)[^\S\n]*$/.test(text)) return false;
    return (await splitEntries(this.#session, text)).open;
  }

  async run(): Promise<number> {
    const { out } = this.#session;
    for (;;) {
      if (!this.#options.atLineStart()) out.write("\n");
      const entry = await this.#reader.read();
      if (entry === undefined) break;
      this.#busy = true;
      await this.#do(entry);
      this.#busy = false;
      if (this.#session.quitStatus !== undefined) return this.#session.quitStatus;
    }
    out.write("\n");
    return 0;
  }

  async #do(entry: string): Promise<void> {
    if (entry.trim() === "") {
      this.#reader.echo("");
      if (this.#repeat !== "") await this.#unit(this.#repeat);
      return;
    }
    this.#options.history.add(entry);
    const { units } = await splitEntries(this.#session, entry);
    const lines = units.filter((unit) => unit.trim() !== "");
    for (const [index, line] of lines.entries()) {
      this.#reader.echo(line);
      const fine = await this.#unit(line);
      if (this.#session.quitStatus !== undefined) return;
      if (fine && !this.#session.signal.aborted) continue;
      const left = lines.length - index - 1;
      if (left > 0) {
        this.#session.out.write(`${left} more of what was entered ${left > 1 ? "are" : "is"} not done\n`);
      }
      return;
    }
  }

  /** Returns false for what failed. */
  async #unit(text: string): Promise<boolean> {
    const { out, table } = this.#session;
    const outcome = await this.#session.execute(text);
    if (!outcome.ok) out.write(this.#shown(outcome.error));
    else if (outcome.kind === "incomplete") out.write(this.#shown(await this.#incomplete(text)));
    const again = outcome.ok && outcome.kind === "command" && table.get(outcome.name)?.repeats === true;
    if (!outcome.ok || outcome.kind !== "empty") this.#repeat = again ? text : "";
    return outcome.ok && outcome.kind !== "incomplete";
  }

  async #incomplete(text: string): Promise<Error> {
    const { prepare } = await import("./source_text.ts");
    const prepared = prepare(text);
    return prepared.kind === "ready" ? new SyntaxError("The input ends too early") : prepared.error;
  }

  /** What comes by itself: above what is typed, if something is. */
  #print(text: string): void {
    if (this.#busy) this.#session.out.write(text);
    else this.#reader.note(text.replace(/\n$/, ""));
  }

  /** Filled to the terminal's width, but for lines that begin with a blank: code, and carets below it. */
  #shown(error: Error): string {
    const { style } = this.#session;
    const text = showError(error, style, this.#options.debug);
    if (this.#options.terminal === undefined) return text;
    return text.split("\n").map((line) => line.length > style.width ? reflow(line, style.width) : line).join(
      "\n",
    );
  }

  close(): void {
    this.#forget();
    this.#reader.close();
  }
}

/** Ornaments must not cost the line that they are for: it goes without one that fails. */
function quietly<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}

/** A promise that nobody awaits, or a timer, must not end the session by what it throws. Returns the way back. */
function onLost(tell: (error: Error) => void): () => void {
  const act = (event: PromiseRejectionEvent | ErrorEvent) => {
    event.preventDefault();
    const thrown: unknown = "reason" in event ? event.reason : event.error;
    tell(thrown instanceof Error ? thrown : new Error(String(thrown)));
  };
  globalThis.addEventListener("unhandledrejection", act);
  globalThis.addEventListener("error", act);
  return () => {
    globalThis.removeEventListener("unhandledrejection", act);
    globalThis.removeEventListener("error", act);
  };
}
