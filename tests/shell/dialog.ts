/** The prompt on a model of a terminal: keys in, a screen out. */
import { builtinDevices } from "../../shell/builtin_devices.ts";
import { type History, openHistory } from "../../shell/history.ts";
import { LiveSession, type SessionOptions } from "../../shell/live_session.ts";
import { runPrompt } from "../../shell/prompt.ts";
import type { Sink } from "../../shell/session.ts";
import { createShellTable } from "../../shell/shell_table.ts";
import { createStyle } from "../../shell/style.ts";
import { FakeTerminal } from "./editor/fake_terminal.ts";

export interface DialogOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly color?: boolean;
  readonly history?: History;
  /** In the place of the whole shell's. */
  readonly session?: Partial<SessionOptions>;
}

export class Dialog {
  readonly terminal: FakeTerminal;
  readonly session: LiveSession;
  readonly history: History;
  /** The exit status, when it ends. */
  readonly ended: Promise<number>;
  /** Entries asked for so far. */
  #asked = 0;
  #next: (() => void) | undefined;
  #over = false;

  constructor({ columns = 80, rows = 24, color = true, history, session }: DialogOptions = {}) {
    this.terminal = new FakeTerminal(columns, rows);
    this.history = history ?? openHistory(undefined);
    let atLineStart = true;
    const out: Sink = {
      write: (text) => {
        if (text !== "") atLineStart = text.endsWith("\n");
        this.terminal.write(text);
      },
    };
    this.session = new LiveSession({
      table: createShellTable(),
      out,
      style: createStyle(color, () => this.terminal.size.columns),
      interactive: true,
      devices: builtinDevices(out),
      ...session,
    });
    this.ended = runPrompt(this.session, {
      history: this.history,
      terminal: this.terminal,
      atLineStart: () => {
        // It is asked once before each entry.
        this.#asked++;
        queueMicrotask(() => this.#next?.());
        return atLineStart;
      },
    });
    this.ended.finally(() => this.#over = true);
  }

  /** Types a line, and waits until the next one is asked for (or the prompt has ended). */
  async enter(line: string): Promise<void> {
    const before = this.#asked;
    this.terminal.type(`${line}\r`);
    while (this.#asked === before && !this.#over) {
      const next = new Promise<void>((resolve) => this.#next = resolve);
      await Promise.race([next, this.ended]);
    }
  }

  /** Types keys, and waits until the screen shows `text`. */
  async press(keys: string, text: string): Promise<void> {
    this.terminal.type(keys);
    await this.terminal.until((rows) => rows.some((row) => row.includes(text)));
  }

  /** All that was shown, from the first line on. */
  async screen(): Promise<string> {
    return (await this.terminal.rows(true)).join("\n");
  }

  /** Ends the prompt and returns all that was shown. */
  async end(): Promise<string> {
    const screen = await this.screen();
    this.terminal.type("\x03\x04");
    await this.ended;
    this.session.close();
    await this.terminal.dispose();
    return screen;
  }
}
