/** Runs in an answer: `0* ` is `0000`. GDB manual, "Remote Protocol", Overview: run-length encoding. */

/** A count is a printable character, this much above the repeats that it stands for. */
const COUNT_BASE = 29;
/** Of `~`, the last printable character. */
const MOST_REPEATS = 126 - COUNT_BASE;
/** Shorter runs would not get shorter. */
const FEWEST_REPEATS = 3;
/** `#` and `$` must not be sent as counts: a shorter run then stands before the rest. */
const FORBIDDEN = new Set([0x23 - COUNT_BASE, 0x24 - COUNT_BASE]);

/** Data, escaped already, with its runs shortened. A character and its escape are never parted. */
export function compress(data: string): string {
  return data.replace(/([^}*])\1{3,}/g, (run: string, character: string, at: number) => {
    // What follows an escape is half a character: the run begins after it.
    const first = at > 0 && data[at - 1] === "}" ? 1 : 0;
    return run.slice(0, first) + shorten(character, run.length - first);
  });
}

function shorten(character: string, length: number): string {
  let text = "", left = length;
  while (left > 0) {
    let repeats = Math.min(left - 1, MOST_REPEATS);
    if (repeats < FEWEST_REPEATS) return text + character.repeat(left);
    if (FORBIDDEN.has(repeats)) repeats = 5;
    text += `${character}*${String.fromCharCode(COUNT_BASE + repeats)}`;
    left -= repeats + 1;
  }
  return text;
}
