/** Entries typed on a terminal: the editor, drawn, with the keys that more than the editor has to do with. */
import { Editor, type Effect, type Hint } from "./editor.ts";
import { type Input, KeyDecoder } from "./keys.ts";
import { type Block, layOut, type Span } from "./layout.ts";
import type { Completion } from "./menu.ts";
import { Screen } from "./screen.ts";
import type { Terminal } from "./terminal.ts";

/** Colours and weights by their purpose: prompt, hint, found (by a search), chosen (in the menu), and those of `spans`. */
export type Look = string;

export interface ReaderHost {
  /** Before the first line, and before each further one. */
  readonly prompt: () => { readonly first: string; readonly further: string };
  /** Oldest first. */
  readonly history: () => readonly string[];
  readonly hint: (text: string) => Hint | undefined;
  readonly spans: (text: string) => readonly Span<Look>[];
  readonly paint: (look: Look, text: string) => string;
  /** Candidates for what ends at the cursor. */
  readonly complete: (before: string) => Promise<Completion>;
  /** True if Enter is to begin a further line. */
  readonly goesOn: (text: string) => Promise<boolean>;
  /** Ctrl-C while no entry is read. */
  readonly interrupt: () => void;
  /** How to leave, for who presses Ctrl-C on an empty line. */
  readonly farewell: string;
}

/** How long an escape may be the beginning of a key: a terminal sends the rest at once. */
const ESCAPE_MILLISECONDS = 40;

/** At most this much of the screen is for candidates. */
const MENU_ROWS = 12;

export class Reader {
  readonly #terminal: Terminal;
  readonly #host: ReaderHost;
  readonly #editor: Editor;
  readonly #screen = new Screen();
  readonly #decoder = new KeyDecoder();
  readonly #queue: Input[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #entry: ((text: string | undefined) => void) | undefined;
  #pumping = false;
  #closed = false;

  constructor(terminal: Terminal, host: ReaderHost) {
    this.#terminal = terminal;
    this.#host = host;
    this.#editor = new Editor(host);
    terminal.start({ text: (text) => this.#take(text), changed: (what) => this.#changed(what) });
  }

  /** The next entry, of one line or several; undefined for the end. It is not shown any more: see `echo`. */
  read(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#entry = resolve;
      this.#draw();
      void this.#pump();
    });
  }

  /** Shows what is done as if it had just been typed. */
  echo(text: string): void {
    const layout = layOut(
      this.#block({ text, cursor: text.length }),
      this.#terminal.size.columns,
      this.#paint,
    );
    const shown = this.#screen.draw(layout, [], { ...this.#terminal.size, rows: layout.rows.length });
    this.#terminal.write(shown + this.#screen.leave());
  }

  /** Says something; what is being typed is shown again below it. */
  note(text: string): void {
    if (!this.#entry) return this.#terminal.write(`${text}\n`);
    this.#terminal.write(`${this.#screen.erase(this.#terminal.size)}${text}\r\n`);
    this.#draw();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#terminal.stop();
  }

  #take(text: string): void {
    clearTimeout(this.#timer);
    this.#receive(this.#decoder.push(text));
    if (this.#decoder.waiting) {
      this.#timer = setTimeout(() => this.#receive(this.#decoder.flush()), ESCAPE_MILLISECONDS);
    }
  }

  #receive(inputs: readonly Input[]): void {
    for (const input of inputs) {
      const key = input.kind === "key" ? input.key : undefined;
      // These do not wait until what runs is done.
      if (!this.#entry && key === "C-c") {
        this.#queue.length = 0;
        this.#host.interrupt();
      } else if (!this.#entry && key === "C-z") this.#suspend();
      else this.#queue.push(input);
    }
    void this.#pump();
  }

  /** Gives the editor its keys, one after the other, as long as an entry is read. */
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    let worked = false;
    while (this.#entry && !this.#closed && this.#queue.length > 0) {
      const effect = this.#editor.handle(this.#queue.shift()!);
      worked = true;
      if (effect) await this.#perform(effect);
    }
    this.#pumping = false;
    if (worked && this.#entry && !this.#closed) this.#draw();
  }

  async #perform(effect: Effect): Promise<void> {
    const { text, cursor } = this.#editor;
    switch (effect) {
      case "enter":
        if (await this.#host.goesOn(text)) this.#editor.newline();
        else this.#finish(text);
        return;
      case "complete":
        this.#editor.offer(await this.#host.complete(text.slice(0, cursor)));
        return;
      case "interrupt":
        this.#leave();
        this.#editor.reset();
        if (text === "") this.#terminal.write(`${this.#host.farewell}\r\n`);
        return;
      case "end":
        return this.#finish(undefined);
      case "suspend":
        this.#leave();
        return this.#suspend();
      case "clear":
        this.#terminal.write(this.#screen.clear());
    }
  }

  #finish(text: string | undefined): void {
    this.#terminal.write(this.#screen.erase(this.#terminal.size));
    this.#editor.reset();
    const entry = this.#entry;
    this.#entry = undefined;
    entry?.(text);
    // Ctrl-C behind Enter is meant for what Enter began, once that runs.
    const rest = this.#queue.splice(0);
    if (rest.length > 0) setTimeout(() => this.#receive([...rest, ...this.#queue.splice(0)]));
  }

  /** What is typed stays on the screen, without hint and candidates. */
  #leave(): void {
    const view = { text: this.#editor.text, cursor: this.#editor.text.length };
    const { size } = this.#terminal;
    const layout = layOut(this.#block(view), size.columns, this.#paint);
    this.#terminal.write(this.#screen.draw(layout, [], size) + this.#screen.leave());
  }

  #suspend(): void {
    try {
      this.#terminal.suspend();
    } catch (error) {
      this.#terminal.write(`Ctrl-Z: ${error instanceof Error ? error.message : error}\r\n`);
    }
  }

  #changed(what: "size" | "continued"): void {
    if (!this.#entry) return;
    if (what === "continued") this.#screen.forget();
    this.#draw();
  }

  readonly #paint = (look: Look, text: string) => this.#host.paint(look, text);

  #draw(): void {
    const { size } = this.#terminal;
    const view = this.#editor.view();
    const layout = layOut(this.#block(view), size.columns, this.#paint);
    const most = Math.max(1, Math.min(MENU_ROWS, size.rows - layout.rows.length));
    const below = view.menu?.rows(size.columns, most, {
      chosen: (text) => this.#host.paint("chosen", text),
      about: (text) => this.#host.paint("hint", text),
    });
    this.#terminal.write(this.#screen.draw(layout, below ?? [], size));
  }

  #block(
    view: {
      text: string;
      cursor: number;
      label?: string;
      mark?: readonly [from: number, to: number];
      hint?: Hint;
    },
  ): Block<Look> {
    const { first, further } = this.#host.prompt();
    const [line, ...more] = (view.hint?.text ?? "").split("\n");
    return {
      prompt: view.label ?? first,
      continuation: further,
      promptFormat: "prompt",
      text: view.text,
      cursor: view.cursor,
      spans: view.mark
        ? [{ from: view.mark[0], to: view.mark[1], format: "found" }]
        : this.#host.spans(view.text),
      hint: more.length > 0 ? `${line} …` : line,
      hintFormat: "hint",
    };
  }
}
