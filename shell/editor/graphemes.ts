/** What people take for one character, and how many columns of a terminal it takes. */
import stringWidth from "fast-string-width";

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Columns that a tab takes when it is edited: where it stands does not matter. */
const TAB = "    ";

/** What stands for a character on the screen. */
export function drawn(grapheme: string): string {
  return grapheme === "\t" ? TAB : grapheme;
}

/** The characters of `text`. */
export function graphemes(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Columns of one line of text without escape sequences: 2 for each East Asian character or emoji. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return stringWidth(text.replaceAll("\t", TAB), { controlWidth: 0 });
}

/** Offset after the character at `at`. */
export function nextBoundary(text: string, at: number): number {
  if (at >= text.length) return text.length;
  if (text[at] === "\n") return at + 1;
  const end = text.indexOf("\n", at);
  const rest = text.slice(at, end < 0 ? text.length : end);
  for (const { segment } of segmenter.segment(rest)) return at + segment.length;
  return at + 1;
}

/** Offset of the character before `at`. */
export function previousBoundary(text: string, at: number): number {
  if (at <= 0) return 0;
  if (text[at - 1] === "\n") return at - 1;
  const start = text.lastIndexOf("\n", at - 1) + 1;
  let last = 0;
  for (const { index } of segmenter.segment(text.slice(start, at))) last = index;
  return start + last;
}

/** As much of `text` as fits in `width` columns; what is cut off leaves an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = "";
  let used = 0;
  for (const grapheme of graphemes(text)) {
    used += widthOf(grapheme);
    if (used > width - 1) break;
    shown += grapheme;
  }
  return width < 1 ? "" : `${shown}…`;
}
