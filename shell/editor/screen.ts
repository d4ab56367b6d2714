/**
 * What to write so that a terminal shows a layout in the place of the one before. Long lines are left to
 * the terminal's own wrapping, so that one that reflows when its width changes still knows what belongs
 * together. Sequences: ECMA-48 (CUU, CUF, EL, ED), which every terminal but a dumb one has.
 */
import type { Layout, Row } from "./layout.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const up = (count: number) => count > 0 ? `\x1b[${count}A` : "";
const right = (count: number) => count > 0 ? `\x1b[${count}C` : "";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_RIGHT = "\x1b[K";

export class Screen {
  /** Rows above the cursor that are ours. */
  #above = 0;
  /** Rows below it. */
  #below = 0;

  /** Shows `layout` with `below` under it, as much of both as fits in `size`. */
  draw(layout: Layout, below: readonly string[], size: Size): string {
    const most = Math.max(1, size.rows);
    // The rows around the cursor, if there are more than the terminal has.
    const first = Math.max(0, Math.min(layout.row - Math.floor(most / 2), layout.rows.length - most));
    const rows = layout.rows.slice(first, first + most);
    const menu = below.slice(0, most - rows.length);
    const last = rows.length - 1 + menu.length;
    const row = layout.row - first;
    const column = Math.min(layout.column, size.columns - 1);
    const text = `${this.#home()}${rows.map((one, index) => this.#row(one, rows[index - 1], size)).join("")}${
      menu.map((line) => `\r\n${line}${CLEAR_RIGHT}`).join("")
    }${CLEAR_BELOW}${up(last - row)}\r${right(column)}`;
    this.#above = row;
    this.#below = last - row;
    return text;
  }

  #row({ text, width }: Row, before: Row | undefined, size: Size): string {
    const start = before === undefined ? "" : before.wraps ? "" : "\r\n";
    // A full row wraps when the next character comes: here a blank, which is then gone over.
    const body = before?.wraps && width === 0 ? " \r" : text;
    // Erasing in a full row would take its last character.
    return `${start}${body}${width < size.columns ? CLEAR_RIGHT : ""}`;
  }

  /** To the first column of the first row that is ours. */
  #home(): string {
    return `${up(this.#above)}\r`;
  }

  /** Takes away what is shown. */
  erase(): string {
    const text = `${this.#home()}${CLEAR_BELOW}`;
    this.forget();
    return text;
  }

  /** Leaves what is shown, and goes below it. */
  leave(): string {
    const text = `${this.#below > 0 ? `\x1b[${this.#below}B` : ""}\r\n${CLEAR_BELOW}`;
    this.forget();
    return text;
  }

  /** The whole terminal, empty. */
  clear(): string {
    this.forget();
    return "\x1b[H\x1b[2J";
  }

  /** The width is another one: `layout` is what is shown, laid out in it. */
  reflowed(layout: Layout, below: readonly string[], size: Size): void {
    const height = layout.rows.length + below.length;
    this.#above = Math.min(layout.row, size.rows - 1);
    this.#below = Math.min(height - 1 - layout.row, size.rows - 1 - this.#above);
  }

  /** Nothing of ours is shown. */
  forget(): void {
    this.#above = 0;
    this.#below = 0;
  }
}
