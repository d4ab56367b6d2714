/** "Did you mean": the candidate nearest to a mistyped word. */

/**
 * Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
 * (optimal string alignment), or `limit + 1` as soon as it must exceed `limit`.
 */
export function editDistance(a: string, b: string, limit: number = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, beforePrevious[j - 2] + 1);
      }
      row.push(cost);
      if (cost < best) best = cost;
    }
    // A swap reaches back two rows, so one bad row alone proves nothing below limit + 1.
    if (best > limit + 1) return limit + 1;
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length];
}

/**
 * The candidate nearest to `word`, ignoring case, or undefined where none is near: one slip for words
 * of up to five letters, two for longer ones. Of equally near ones the first.
 *
 * @example
 * ```ts
 * import { nearestWord } from "./edit_distance.ts";
 * nearestWord("mvo", ["add", "mov"]); // "mov"
 * ```
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  // A one-letter word is one slip away from every other one.
  let limit = wanted.length < 2 ? 0 : wanted.length <= 5 ? 1 : 2;
  let nearest: string | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase(), limit);
    if (distance > limit) continue;
    nearest = candidate;
    limit = distance - 1;
    if (limit < 0) break;
  }
  return nearest;
}

/** `": did you mean \"mov\"?"` for a message, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const nearest = nearestWord(word, candidates);
  return nearest === undefined ? "" : `: did you mean ${JSON.stringify(nearest)}?`;
}
