/** The prompt's colours, by what they are for: the sixteen that every terminal's theme has. */
import type { TextFormat } from "./style.ts";

const LOOKS: Readonly<Record<string, TextFormat>> = {
  prompt: "bold",
  hint: "dim",
  found: "underline",
  chosen: "inverse",
  command: "cyan",
  unknown: "red",
  option: "yellow",
  register: "magenta",
  number: "yellow",
  string: "green",
  comment: "dim",
  keyword: "blue",
};

export function lookOf(name: string): TextFormat {
  return LOOKS[name] ?? "reset";
}
