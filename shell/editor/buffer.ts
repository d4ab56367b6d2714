/** Text with a cursor, and what keys do to it: values that do not change, and functions from one to the next. */
import { nextBoundary, previousBoundary } from "./graphemes.ts";

export interface Buffer {
  readonly text: string;
  /** Offset into the text, between two characters. */
  readonly cursor: number;
}

export const EMPTY: Buffer = { text: "", cursor: 0 };

/** The text with the cursor at its end. */
export function atEnd(text: string): Buffer {
  return { text, cursor: text.length };
}

export function insert({ text, cursor }: Buffer, added: string): Buffer {
  return { text: text.slice(0, cursor) + added + text.slice(cursor), cursor: cursor + added.length };
}

/** `text` without what lies between two offsets; the cursor where that was. */
export function remove({ text }: Buffer, from: number, to: number): Buffer {
  const [start, end] = from < to ? [from, to] : [to, from];
  return { text: text.slice(0, start) + text.slice(end), cursor: start };
}

const isWord = (char: string) => /[\p{L}\p{M}\p{N}_$]/u.test(char);

function wordLeft({ text, cursor }: Buffer): number {
  let at = cursor;
  while (at > 0 && !isWord(text[at - 1])) at--;
  while (at > 0 && isWord(text[at - 1])) at--;
  return at;
}

function wordRight({ text, cursor }: Buffer): number {
  let at = cursor;
  while (at < text.length && !isWord(text[at])) at++;
  while (at < text.length && isWord(text[at])) at++;
  return at;
}

/** To the white space before: Ctrl-W takes whole words of a command. */
function blankLeft({ text, cursor }: Buffer): number {
  let at = cursor;
  while (at > 0 && /\s/.test(text[at - 1])) at--;
  while (at > 0 && !/\s/.test(text[at - 1])) at--;
  return at;
}

function lineStart({ text, cursor }: Buffer): number {
  return cursor === 0 ? 0 : text.lastIndexOf("\n", cursor - 1) + 1;
}

function lineEnd({ text, cursor }: Buffer): number {
  const end = text.indexOf("\n", cursor);
  return end < 0 ? text.length : end;
}

/** As Ctrl-K has it: at the end of a line, past the line break. */
function lineRest(buffer: Buffer): number {
  const end = lineEnd(buffer);
  return end === buffer.cursor ? Math.min(end + 1, buffer.text.length) : end;
}

/** The last place between two characters, from `start` on, that is not after `at`. */
function between(text: string, start: number, at: number): number {
  for (let next = start;; start = next) {
    next = nextBoundary(text, start);
    if (next > at || next === start) return start;
  }
}

/** About the same column of the line above or below; undefined if there is none. */
export function lineAbove(buffer: Buffer): number | undefined {
  const start = lineStart(buffer);
  if (start === 0) return undefined;
  const above = lineStart({ ...buffer, cursor: start - 1 });
  return between(buffer.text, above, Math.min(above + buffer.cursor - start, start - 1));
}

export function lineBelow(buffer: Buffer): number | undefined {
  const end = lineEnd(buffer);
  if (end === buffer.text.length) return undefined;
  const below = end + 1;
  const column = below + buffer.cursor - lineStart(buffer);
  return between(buffer.text, below, Math.min(column, lineEnd({ ...buffer, cursor: below })));
}

/** Where a key moves the cursor; with a key that deletes, as far as it deletes. */
export const MOTIONS = {
  "left": ({ text, cursor }: Buffer) => previousBoundary(text, cursor),
  "right": ({ text, cursor }: Buffer) => nextBoundary(text, cursor),
  "word-left": wordLeft,
  "word-right": wordRight,
  "blank-left": blankLeft,
  "line-start": lineStart,
  "line-end": lineEnd,
  "line-rest": lineRest,
  "text-start": () => 0,
  "text-end": ({ text }: Buffer) => text.length,
} as const satisfies Record<string, (buffer: Buffer) => number>;

export type Motion = keyof typeof MOTIONS;

/** The two characters before the cursor (at the end of a line) or around it change places. */
export function transposed(buffer: Buffer): Buffer {
  const { text, cursor } = buffer;
  const middle = cursor === lineEnd(buffer) ? previousBoundary(text, cursor) : cursor;
  const [start, end] = [previousBoundary(text, middle), nextBoundary(text, middle)];
  if (start === middle || start < lineStart(buffer)) return buffer;
  const swapped = text.slice(middle, end) + text.slice(start, middle);
  return { text: text.slice(0, start) + swapped + text.slice(end), cursor: end };
}
