/** Paragraphs filled to a width, however they were broken where they were written. */
import { stripVTControlCharacters } from "node:util";

/** Colours take no place. */
const columns = (text: string) => stripVTControlCharacters(text).length;

/** Lines that begin with a blank are left alone; blank lines part paragraphs. */
export function reflow(text: string, width: number): string {
  const out: string[] = [];
  let line = "";
  const flush = () => {
    if (line !== "") out.push(line);
    line = "";
  };
  for (const source of text.split("\n")) {
    if (source === "" || source.startsWith(" ")) {
      flush();
      out.push(source);
      continue;
    }
    for (const word of source.split(" ")) {
      if (line !== "" && columns(line) + 1 + columns(word) > width) flush();
      line += line === "" ? word : ` ${word}`;
    }
  }
  flush();
  return out.join("\n");
}
