/** Candidates below the line: shown in columns, or one a row with what they are about; Tab goes through them. */
import type { Buffer } from "./buffer.ts";
import { cut, widthOf } from "./graphemes.ts";

export interface Candidate {
  /** What takes the place of the part that it completes. */
  readonly text: string;
  /** What is listed, if that is not the text: a file's name without its folder. */
  readonly shown?: string;
  /** A few words on it. */
  readonly about?: string;
  /** True if nothing ends here (a folder, `stage=`): no blank follows. */
  readonly open?: boolean;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Characters before the cursor that a candidate replaces. */
  readonly replaced: number;
}

/** The longest text that all candidates begin with. */
export function commonStart(candidates: readonly Candidate[]): string {
  let start = candidates[0]?.text ?? "";
  for (const { text } of candidates) {
    while (!text.startsWith(start)) start = start.slice(0, -1);
  }
  return start;
}

/** `buffer` with `text` in the place of the `replaced` characters before the cursor. */
export function replacedBy({ text, cursor }: Buffer, replaced: number, added: string): Buffer {
  const start = cursor - replaced;
  return { text: text.slice(0, start) + added + text.slice(cursor), cursor: start + added.length };
}

/** With the blank that ends a finished word, where none stands yet. */
export function finished(buffer: Buffer, { open }: Candidate): Buffer {
  if (open === true || /^\s/.test(buffer.text.slice(buffer.cursor))) return buffer;
  return {
    text: `${buffer.text.slice(0, buffer.cursor)} ${buffer.text.slice(buffer.cursor)}`,
    cursor: buffer.cursor + 1,
  };
}

export class Menu {
  readonly #candidates: readonly Candidate[];
  readonly #replaced: number;
  /** What was typed before a candidate was chosen. */
  readonly before: Buffer;
  #selected = -1;

  constructor(before: Buffer, { candidates, replaced }: Completion) {
    this.before = before;
    this.#candidates = candidates;
    this.#replaced = replaced;
  }

  get selected(): Candidate | undefined {
    return this.#candidates[this.#selected];
  }

  /** Chooses the next candidate, or the one before: the line with it. */
  cycle(step: -1 | 1): Buffer {
    const count = this.#candidates.length;
    this.#selected = this.#selected < 0 && step < 0 ? count - 1 : (this.#selected + step + count) % count;
    return replacedBy(this.before, this.#replaced, this.#candidates[this.#selected].text);
  }

  /** At most `height` rows of at most `width` columns, those around the chosen one. */
  rows(width: number, height: number, paint: MenuPaint): string[] {
    const names = this.#candidates.map(({ text, shown }) => shown ?? text);
    const widest = Math.max(...names.map(widthOf));
    const listed = this.#candidates.some(({ about }) => about !== undefined) && names.length <= height;
    const columns = listed ? 1 : Math.max(1, Math.floor((width - 1) / (widest + 2)));
    const count = Math.ceil(names.length / columns);
    const cell = (index: number) => {
      if (index >= names.length) return "";
      const chosen = index === this.#selected;
      const name = cut(names[index], width - 3);
      const pad = " ".repeat(Math.max(0, Math.min(widest, width - 3) - widthOf(name)));
      const about = listed ? this.#about(index, width - widest - 6) : "";
      return `${chosen ? ">" : " "} ${chosen ? paint.chosen(name) : name}${pad}${
        about === "" ? "" : `  ${paint.about(about)}`
      }`;
    };
    // Down the columns, as ls does it.
    const rows = Array.from(
      { length: count },
      (_, row) =>
        Array.from({ length: columns }, (_, column) => cell(column * count + row)).join("").trimEnd(),
    );
    if (count <= height) return rows;
    const shown = Math.max(1, height - 1);
    const first = Math.max(0, Math.min((Math.max(0, this.#selected) % count) - shown + 1, count - shown));
    const more = paint.about(
      `  ${names.length} candidates, rows ${first + 1} to ${first + shown} of ${count}`,
    );
    return [...rows.slice(first, first + shown), more].slice(0, height);
  }

  #about(index: number, width: number): string {
    return width < 8 ? "" : cut(this.#candidates[index].about ?? "", width);
  }
}

/** How the menu looks. */
export interface MenuPaint {
  chosen(text: string): string;
  about(text: string): string;
}
