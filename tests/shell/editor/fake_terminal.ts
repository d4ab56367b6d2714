/** A terminal to look at: xterm's own model of one, without a window. */
import xterm from "@xterm/headless";
import type { Size } from "../../../shell/editor/screen.ts";
import type { Terminal } from "../../../shell/editor/terminal.ts";

export class FakeTerminal implements Terminal {
  readonly #model: InstanceType<typeof xterm.Terminal>;
  #on: Parameters<Terminal["start"]>[0] | undefined;
  /** How often it was asked to stop the job. */
  suspended = 0;
  #size: Size;

  constructor(columns: number, rows: number) {
    this.#size = { columns, rows };
    this.#model = new xterm.Terminal({
      cols: columns,
      rows,
      allowProposedApi: true,
      scrollback: 1000,
      convertEol: true,
      reflowCursorLine: true,
    });
  }

  get size(): Size {
    return this.#size;
  }

  write(text: string): void {
    this.#model.write(text);
  }

  start(on: Parameters<Terminal["start"]>[0]): void {
    this.#on = on;
  }

  stop(): void {
    this.#on = undefined;
  }

  suspend(): void {
    this.suspended++;
  }

  /** Bytes from the keyboard. */
  type(text: string): void {
    this.#on?.text(text);
  }

  /** After `fg`. */
  resume(): void {
    this.#on?.changed("continued");
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#drawn();
    this.#size = { columns, rows };
    this.#model.resize(columns, rows);
    this.#on?.changed("size");
  }

  /** Waits until what was written is on the screen. */
  #drawn(): Promise<void> {
    return new Promise((resolve) => this.#model.write("", resolve));
  }

  /** The rows of the screen without what is empty at its end; `history`: those that have scrolled off too. */
  async rows(history = false): Promise<string[]> {
    await this.#drawn();
    const { active } = this.#model.buffer;
    const rows: string[] = [];
    for (let row = history ? 0 : active.baseY; row < active.length; row++) {
      rows.push(active.getLine(row)?.translateToString(true) ?? "");
    }
    return rows.slice(0, rows.findLastIndex((row) => row !== "") + 1);
  }

  /** Row and column of the cursor, from 0. */
  async cursor(): Promise<readonly [row: number, column: number]> {
    await this.#drawn();
    const { active } = this.#model.buffer;
    return [active.cursorY, active.cursorX];
  }

  /** Looks again and again until `done`; rejects with the screen when `patience` (milliseconds) ends. */
  async until(done: (rows: readonly string[]) => boolean, patience = 5_000): Promise<readonly string[]> {
    const end = Date.now() + patience;
    for (;;) {
      const rows = await this.rows();
      if (done(rows)) return rows;
      if (Date.now() > end) throw new Error(`The screen stays:\n${rows.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async dispose(): Promise<void> {
    await this.#drawn();
    this.#model.dispose();
  }
}
