/** Guest memory without the pages that are zero: most of a guest's memory is. */
import type { Arena } from "../../engine/arena.ts";
import { numbersToBytes, rowsOfNumbers } from "../../engine/saved_state.ts";

const PAGE = 4096, WORDS = PAGE / 4;

/** Pages that follow each other: the first one's number in its slot, and how many. */
type Run = readonly [first: number, count: number];

/** Runs of pages that are not zero in a part of linear memory that begins and ends with a page. */
export function runsOf(arena: Arena, place: number, size: number): Run[] {
  const runs: [number, number][] = [], { i32 } = arena;
  let open: [number, number] | undefined;
  for (let page = 0; page < size / PAGE; page++) {
    if (isZero(i32, (place + page * PAGE) / 4)) open = undefined;
    else if (open) open[1]++;
    else runs.push(open = [page, 1]);
  }
  return runs;
}

function isZero(words: Int32Array, first: number): boolean {
  for (let i = first; i < first + WORDS; i += 8) {
    const low = words[i] | words[i + 1] | words[i + 2] | words[i + 3];
    if ((low | words[i + 4] | words[i + 5] | words[i + 6] | words[i + 7]) !== 0) return false;
  }
  return true;
}

/** The runs as bytes. */
export function saveRuns(runs: readonly Run[]): Uint8Array {
  return numbersToBytes(runs.flat());
}

/** The runs of a slot of `size` bytes. Throws `SyntaxError` if they are not in order and within it. */
export function loadRuns(bytes: Uint8Array, size: number): Run[] {
  const runs: Run[] = [];
  let free = 0;
  for (const [first, count] of rowsOfNumbers(bytes, 2, "a list of pages")) {
    const fits = Number.isSafeInteger(first) && Number.isSafeInteger(count) && first >= free && count > 0 &&
      (first + count) * PAGE <= size;
    if (!fits) throw new SyntaxError("the snapshot is malformed: pages that are not in their slot");
    runs.push([first, count]);
    free = first + count;
  }
  return runs;
}
