/** Where each character of a view stands on the screen: the rows that a terminal makes of it. */
import { drawn, graphemes, widthOf } from "./graphemes.ts";

/** A part of the text in a colour or weight. */
export interface Span<Format> {
  readonly from: number;
  readonly to: number;
  readonly format: Format;
}

export interface Block<Format> {
  /** Before the first line. */
  readonly prompt: string;
  /** Before each further line. */
  readonly continuation: string;
  readonly promptFormat: Format;
  readonly text: string;
  readonly cursor: number;
  /** In order, without overlaps. */
  readonly spans: readonly Span<Format>[];
  /** After the text, in its own format. */
  readonly hint: string;
  readonly hintFormat: Format;
}

export interface Row {
  /** With colours. */
  readonly text: string;
  /** Columns. */
  readonly width: number;
  /** True if the terminal goes on in the next row by itself, because this one is full. */
  readonly wraps: boolean;
}

export interface Layout {
  readonly rows: readonly Row[];
  /** Row and column of the cursor, from 0. */
  readonly row: number;
  readonly column: number;
}

/** Lays a block out in `width` columns; `paint` gives text its colour. */
export function layOut<Format>(
  block: Block<Format>,
  width: number,
  paint: (format: Format, text: string) => string,
): Layout {
  const pen = new Pen(Math.max(2, width), paint);
  pen.write(block.prompt, block.promptFormat);
  let at = 0;
  let span = 0;
  for (const char of graphemes(block.text)) {
    if (at === block.cursor) pen.mark();
    while (span < block.spans.length && block.spans[span].to <= at) span++;
    const here = block.spans[span];
    const format = here && here.from <= at ? here.format : undefined;
    if (char === "\n") {
      pen.breakLine();
      pen.write(block.continuation, block.promptFormat);
    } else pen.put(drawn(char), widthOf(char), format);
    at += char.length;
  }
  if (at <= block.cursor) pen.mark();
  pen.write(block.hint, block.hintFormat);
  return pen.end();
}

class Pen<Format> {
  readonly #width: number;
  readonly #paint: (format: Format, text: string) => string;
  readonly #rows: Row[] = [];
  #text = "";
  #column = 0;
  /** Text of one format, not painted yet. */
  #run = "";
  #format: Format | undefined;
  #cursor: { row: number; column: number } | undefined;

  constructor(width: number, paint: (format: Format, text: string) => string) {
    this.#width = width;
    this.#paint = paint;
  }

  write(text: string, format: Format): void {
    for (const char of graphemes(text)) this.put(drawn(char), widthOf(char), format);
  }

  put(text: string, columns: number, format: Format | undefined): void {
    if (this.#column + columns > this.#width) this.#endRow(true);
    if (format !== this.#format) this.#flush();
    this.#format = format;
    this.#run += text;
    this.#column += columns;
  }

  /** The cursor stands where the next character comes: in a row of its own if this one is full. */
  mark(): void {
    if (this.#column >= this.#width) this.#endRow(true);
    this.#cursor = { row: this.#rows.length, column: this.#column };
  }

  breakLine(): void {
    this.#endRow(false);
  }

  end(): Layout {
    this.#endRow(false);
    return { rows: this.#rows, ...this.#cursor! };
  }

  #flush(): void {
    if (this.#run === "") return;
    this.#text += this.#format === undefined ? this.#run : this.#paint(this.#format, this.#run);
    this.#run = "";
  }

  #endRow(wraps: boolean): void {
    this.#flush();
    this.#rows.push({ text: this.#text, width: this.#column, wraps });
    this.#text = "";
    this.#column = 0;
  }
}
