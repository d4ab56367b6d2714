/** Lines that fit. */

/** Breaks a line between words where it is wider than `width`; what follows is indented. */
export function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let open = "";
  for (const word of line.split(" ")) {
    if (open !== "" && open.length + 1 + word.length > width) {
      lines.push(open);
      open = `  ${word}`;
    } else {
      open = open === "" ? word : `${open} ${word}`;
    }
  }
  return [...lines, open];
}
