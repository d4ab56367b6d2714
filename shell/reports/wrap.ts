/** Lines that fit. */
import { stripVTControlCharacters } from "node:util";
import type { Style } from "../style.ts";

/** Colours take no place. */
const columns = (text: string) => stripVTControlCharacters(text).length;

/** Breaks a line between words where it is wider than `width`; what follows is indented, by more than the line is. */
export function wrap(line: string, width: number): string[] {
  const [first, ...words] = line.split(/(?<! ) /);
  const lines: string[] = [], indent = " ".repeat(/^ */.exec(line)![0].length + 2);
  let open = first, used = columns(first);
  for (const word of words) {
    const taken = columns(word);
    if (used + 1 + taken <= width || open.trim() === "") {
      open += ` ${word}`;
      used += 1 + taken;
      continue;
    }
    lines.push(open);
    const text = word.trimStart();
    open = indent + text;
    used = indent.length + columns(text);
  }
  return [...lines, open];
}

/** On a terminal, text whose lines break between words. What goes elsewhere stays as it is. */
export function fitted(text: string, style: Style): string {
  if (style.bars === undefined) return text;
  const { width } = style;
  return text.split("\n").flatMap((line) => columns(line) > width ? wrap(line, width) : [line]).join("\n");
}
