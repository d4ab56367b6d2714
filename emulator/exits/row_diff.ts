/** A line-by-line difference of two lists that need not be of one type. */

/** A line of a difference: as expected, expected but not there, or there but not expected. */
export interface DiffLine {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

/** Pairs to compare at most for the best alignment; beyond it, items are compared place by place. */
const ALIGN_LIMIT = 1_000_000;

/** Lines kept around a difference; what lies further off is counted and not shown. */
const CONTEXT = 3;

/** One step through both lists: a pair that fits, or an item of one of them. */
type Step = { readonly left?: number; readonly right?: number };

/** Longest common subsequence of `left[from..]` and `right[from..]`, as steps. */
function align(
  leftCount: number,
  rightCount: number,
  from: number,
  fits: (l: number, r: number) => boolean,
): Step[] {
  const height = leftCount - from, width = rightCount - from;
  if (height * width > ALIGN_LIMIT) {
    return Array.from({ length: Math.max(height, width) }, (_, i): Step[] => {
      const left = i < height ? from + i : undefined, right = i < width ? from + i : undefined;
      const pair = left !== undefined && right !== undefined && fits(left, right);
      return pair
        ? [{ left, right }]
        : [{ left }, { right }].filter((s) => (s.left ?? s.right) !== undefined);
    }).flat();
  }
  // best[i * (width + 1) + j]: how many pairs the rest from i and j has.
  const best = new Uint32Array((height + 1) * (width + 1));
  const at = (i: number, j: number) => i * (width + 1) + j;
  for (let i = height - 1; i >= 0; i--) {
    for (let j = width - 1; j >= 0; j--) {
      best[at(i, j)] = fits(from + i, from + j)
        ? best[at(i + 1, j + 1)] + 1
        : Math.max(best[at(i + 1, j)], best[at(i, j + 1)]);
    }
  }
  const steps: Step[] = [];
  let i = 0, j = 0;
  while (i < height || j < width) {
    if (i < height && j < width && fits(from + i, from + j)) {
      steps.push({ left: from + i++, right: from + j++ });
    } else if (i < height && (j === width || best[at(i + 1, j)] >= best[at(i, j + 1)])) {
      steps.push({ left: from + i++ });
    } else steps.push({ right: from + j++ });
  }
  return steps;
}

/**
 * The difference between `leftCount` expected and `rightCount` actual items, where `fits` says which agree.
 * Undefined if all agree in order.
 */
export function diffLines(
  leftCount: number,
  rightCount: number,
  fits: (left: number, right: number) => boolean,
  leftText: (left: number) => string,
  rightText: (right: number) => string,
): DiffLine[] | undefined {
  let from = 0;
  while (from < leftCount && from < rightCount && fits(from, from)) from++;
  if (from === leftCount && from === rightCount) return undefined;
  const same = Array.from({ length: from }, (_, i): Step => ({ left: i, right: i }));
  const steps = [...same, ...align(leftCount, rightCount, from, fits)];
  const near = (index: number) =>
    steps.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1)
      .some((step) => step.left === undefined || step.right === undefined);
  const lines: DiffLine[] = [];
  let hidden = 0;
  const flush = () => {
    if (hidden > 0) lines.push({ mark: " ", text: `... ${hidden} more as expected` });
    hidden = 0;
  };
  steps.forEach((step, index) => {
    if (!near(index)) {
      hidden++;
      return;
    }
    flush();
    if (step.left === undefined) lines.push({ mark: "+", text: rightText(step.right!) });
    else if (step.right === undefined) lines.push({ mark: "-", text: leftText(step.left) });
    else lines.push({ mark: " ", text: leftText(step.left) });
  });
  flush();
  return lines;
}
