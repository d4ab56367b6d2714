/** How a command line falls into words. */

export interface Word {
  /** Without quotes and escapes, or as typed when the command takes its words raw. */
  readonly text: string;
  /** Where it begins in the line. */
  readonly start: number;
}

/**
 * Splits at white space; `"..."` and `'...'` keep white space, a backslash keeps the next character
 * (not within `'...'`), and `#` at the start of a word begins a comment. With `raw`, a word keeps its
 * quotes and backslashes and there are no comments.
 *
 * Throws `SyntaxError` for a quote without its fellow, unless `lenient` (Tab completion) is set.
 */
export function splitWords(line: string, options: { raw?: boolean; lenient?: boolean } = {}): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at])) {
      at++;
      continue;
    }
    if (line[at] === "#" && !options.raw) break;
    const word = readWord(line, at, options);
    words.push({ text: options.raw ? line.slice(at, word.end) : word.text, start: at });
    at = word.end;
  }
  return words;
}

function readWord(
  line: string,
  start: number,
  options: { lenient?: boolean },
): { text: string; end: number } {
  let text = "";
  let at = start;
  while (at < line.length && !/\s/.test(line[at])) {
    const char = line[at];
    if (char === '"' || char === "'") {
      const quoted = readQuoted(line, at, options);
      text += quoted.text;
      at = quoted.end;
    } else if (char === "\\" && at + 1 < line.length) {
      text += line[at + 1];
      at += 2;
    } else {
      text += char;
      at++;
    }
  }
  return { text, end: at };
}

function readQuoted(
  line: string,
  start: number,
  options: { lenient?: boolean },
): { text: string; end: number } {
  const quote = line[start];
  let text = "";
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === quote) return { text, end: at + 1 };
    if (line[at] === "\\" && quote === '"' && at + 1 < line.length) at++;
    text += line[at];
  }
  if (options.lenient) return { text, end: line.length };
  throw new SyntaxError(
    `The ${quote} at column ${start + 1} is never closed: add a ${quote}, or write \\${quote}`,
  );
}
