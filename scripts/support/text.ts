/** Words of reports. */

/** What an error says. */
export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

/** Breaks a text between words. */
export function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** How many times one is the other. */
export const times = (a: number, b: number): string => (a / b).toFixed(2);

/** Breaks a line between words; what follows is indented. */
export function folded(line: string, width = 100): string {
  const lines = [""];
  for (const word of line.split(" ")) {
    const last = lines.length - 1;
    if (lines[last] !== "" && lines[last].length + 1 + word.length > width) lines.push(`  ${word}`);
    else lines[last] += lines[last] === "" ? word : ` ${word}`;
  }
  return lines.join("\n");
}
