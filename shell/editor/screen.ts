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

/** What is shown now: rows, where the cursor is in them, and how wide the terminal was. */
interface Shown {
  readonly rows: readonly Row[];
  readonly row: number;
  readonly column: number;
  /** Rows below them. */
  readonly below: number;
  readonly columns: number;
}

const NOTHING: Shown = { rows: [], row: 0, column: 0, below: 0, columns: 0 };

export class Screen {
  #shown = NOTHING;

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
    const text = `${this.#home(size)}${
      rows.map((one, index) => this.#row(one, rows[index - 1], size)).join("")
    }${menu.map((line) => `\r\n${line}${CLEAR_RIGHT}`).join("")}${CLEAR_BELOW}${up(last - row)}\r${
      right(column)
    }`;
    this.#shown = { rows, row, column, below: last - row, columns: size.columns };
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
  #home(size: Size): string {
    const { row, columns } = this.#shown;
    return `${
      up(columns === size.columns ? row : Math.min(this.#reflowedRow(size.columns), size.rows - 1))
    }\r`;
  }

  /** The cursor's row after the terminal has laid out anew, in another width, what it had wrapped by itself. */
  #reflowedRow(columns: number): number {
    const { rows, row, column } = this.#shown;
    let above = 0;
    let length = 0;
    for (const [index, { width, wraps }] of rows.entries()) {
      if (index === row) return above + Math.floor((length + column) / columns);
      length += width;
      if (wraps) continue;
      above += Math.max(1, Math.ceil(length / columns));
      length = 0;
    }
    return above;
  }

  /** Takes away what is shown. */
  erase(size: Size): string {
    const text = `${this.#home(size)}${CLEAR_BELOW}`;
    this.forget();
    return text;
  }

  /** Leaves what is shown, and goes below it. */
  leave(): string {
    const { below } = this.#shown;
    this.forget();
    return `${below > 0 ? `\x1b[${below}B` : ""}\r\n${CLEAR_BELOW}`;
  }

  /** The whole terminal, empty. */
  clear(): string {
    this.forget();
    return "\x1b[H\x1b[2J";
  }

  /** Nothing of ours is shown. */
  forget(): void {
    this.#shown = NOTHING;
  }
}
