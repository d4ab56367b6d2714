/** The prompt on a terminal: history, Tab, lines that go on, Ctrl-C that stops the guest and not the shell. */
import { createInterface, type Interface } from "node:readline";
import process from "node:process";
import { complete } from "./complete.ts";
import { showError } from "./errors.ts";
import type { History } from "./history.ts";
import type { LiveSession } from "./live_session.ts";

export interface PromptOptions {
  readonly history: History;
  /** False on a dumb terminal: no editing, no Tab. */
  readonly editing: boolean;
  readonly debug?: boolean;
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

class Prompt {
  readonly #session: LiveSession;
  readonly #options: PromptOptions;
  readonly #readline: Interface;
  /** Lines typed ahead, or pasted. */
  readonly #queue: string[] = [];
  readonly #listeners: (() => void)[] = [];
  #wake: (() => void) | undefined;
  /** Lines of TypeScript that go on. */
  #pending = "";
  /** What Enter on an empty line does again. */
  #repeat = "";
  #busy = false;
  #closed = false;

  constructor(session: LiveSession, options: PromptOptions) {
    this.#session = session;
    this.#options = options;
    this.#readline = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: options.editing,
      history: [...options.history.lines].reverse(),
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        const text = this.#pending === "" ? line : `=${line}`;
        complete(session, text).then(([hits, part]) =>
          done(null, [hits.length === 1 ? [hits[0]] : hits, part])
        );
      },
    });
    this.#listen();
  }

  #listen(): void {
    const readline = this.#readline;
    readline.on("line", (line: string) => {
      this.#queue.push(line);
      this.#wake?.();
    });
    readline.on("close", () => {
      this.#closed = true;
      if (this.#busy) this.#session.interrupt();
      this.#wake?.();
    });
    readline.on("SIGINT", () => this.#interrupt());
    // Only this process would stop, and deno task, its parent, go on holding the terminal.
    readline.on("SIGTSTP", () => this.#note("Ctrl-Z is off: deno task could not be suspended with trapsh"));
    // After a stop from outside and fg the terminal is no longer raw, and the process would end.
    readline.on("SIGCONT", () => {
      process.stdin.setRawMode?.(true);
      readline.resume();
      if (!this.#busy) readline.prompt(true);
    });
    if (!this.#options.editing) {
      const onSignal = () => this.#interrupt();
      Deno.addSignalListener("SIGINT", onSignal);
      this.#listeners.push(() => Deno.removeSignalListener("SIGINT", onSignal));
    }
    // A promise that nobody awaits, or a timer, must not end the session by what it throws.
    const onLost = (event: PromiseRejectionEvent | ErrorEvent) => {
      event.preventDefault();
      const thrown: unknown = "reason" in event ? event.reason : event.error;
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#note(showError(error, this.#session.style, this.#options.debug).trimEnd());
    };
    globalThis.addEventListener("unhandledrejection", onLost);
    globalThis.addEventListener("error", onLost);
    this.#listeners.push(() => {
      globalThis.removeEventListener("unhandledrejection", onLost);
      globalThis.removeEventListener("error", onLost);
    });
  }

  async run(): Promise<number> {
    this.#ask();
    for (;;) {
      const line = await this.#next();
      if (line === undefined) break;
      this.#busy = true;
      await this.#do(line);
      this.#busy = false;
      if (this.#session.quitStatus !== undefined) return this.#session.quitStatus;
      if (this.#queue.length === 0 && !this.#closed) this.#ask();
    }
    this.#session.out.write("\n");
    return 0;
  }

  async #next(): Promise<string | undefined> {
    while (this.#queue.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#queue.shift();
  }

  async #do(line: string): Promise<void> {
    if (this.#pending !== "" && line.trim() === "") {
      // An empty line ends what was to go on, and so tells what is wrong with it.
      const text = this.#pending;
      this.#pending = "";
      const { prepare } = await import("./source_text.ts");
      const prepared = prepare(text);
      if (prepared.kind !== "ready") this.#show(prepared.error);
      return;
    }
    this.#options.history.add(line);
    const text = this.#pending !== ""
      ? `${this.#pending}\n${line}`
      : line.trim() === ""
      ? this.#repeat
      : line;
    const outcome = await this.#session.execute(text);
    this.#pending = outcome.ok && outcome.kind === "incomplete" ? text : "";
    if (!outcome.ok) this.#show(outcome.error);
    const again = outcome.ok && outcome.kind === "command" && this.#session.table.get(outcome.name)?.repeats;
    if (!outcome.ok || outcome.kind !== "empty") this.#repeat = again ? text : "";
  }

  /** Busy: stops what runs. Idle: drops what is typed. */
  #interrupt(): void {
    if (this.#busy) {
      this.#queue.length = 0;
      this.#session.interrupt();
      return;
    }
    const empty = this.#readline.line === "" && this.#pending === "";
    this.#pending = "";
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    this.#setPrompt();
    this.#note(empty ? "Ctrl-D or quit ends trapsh" : "");
  }

  /** Says something between what is typed. */
  #note(text: string): void {
    this.#session.out.write(text === "" ? "\n" : `\n${text}\n`);
    if (!this.#busy) this.#readline.prompt(true);
  }

  #ask(): void {
    this.#setPrompt();
    this.#readline.prompt();
  }

  #setPrompt(): void {
    const { style, settings } = this.#session;
    const first = `trapsh ${settings.arch}> `;
    this.#readline.setPrompt(
      style.paint("bold", this.#pending === "" ? first : "... ".padStart(first.length)),
    );
  }

  #show(error: Error): void {
    this.#session.out.write(showError(error, this.#session.style, this.#options.debug));
  }

  close(): void {
    for (const remove of this.#listeners) remove();
    this.#readline.close();
  }
}
