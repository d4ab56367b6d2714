import { assert, assertEquals } from "@std/assert";
import { type Item, type Loop, shapeOf } from "../../../emulator/engine/region_shape.ts";
import { Random } from "../../support/random.ts";

/** `1 (2 3)2`: block 1, a loop of 2 and 3 that is entered at 2. */
function text(items: readonly Item[]): string {
  return items.map((item) =>
    item.kind === "block" ? String(item.block) : `(${text(item.items)})${item.heads.join(",")}`
  ).join(" ");
}

const CASES: readonly (readonly [successors: number[][], entries: number[], shape: string])[] = [
  [[[]], [0], "0"],
  [[[0]], [0], "(0)0"],
  [[[1], [2], []], [0], "0 1 2"],
  [[[1], [2], [1, 3], []], [0], "0 (1 2)1 3"],
  [[[1], [2], [2, 3], [1, 4], []], [0], "0 (1 (2)2 3)1 4"],
  // Entered in the middle.
  [[[1], [2], [1, 3], []], [0, 2], "0 (2 1)1,2 3"],
  // Nothing leads to 1.
  [[[2], [2], []], [0], "0 2"],
];

for (const [successors, entries, expected] of CASES) {
  Deno.test(`shapeOf(${JSON.stringify(successors)}, [${entries}])`, () => {
    assertEquals(text(shapeOf(successors, entries).items), expected);
  });
}

Deno.test("in every shape each branch goes to a head around it, or forward", () => {
  const random = new Random(7);
  for (let round = 0; round < 2000; round++) {
    const count = 1 + random.below(12);
    const successors = Array.from(
      { length: count },
      () => Array.from({ length: random.below(4) }, () => random.below(count)),
    );
    const entries = [...new Set([0, ...Array.from({ length: random.below(3) }, () => random.below(count))])];
    check(shapeOf(successors, entries), successors, entries);
  }
});

function check(shape: Loop, successors: readonly number[][], entries: readonly number[]): void {
  /** Of each block, the loops around it and its item's number in each. */
  const paths = new Map<number, { loop: Loop; item: number }[]>();
  const walk = (loop: Loop, around: { loop: Loop; item: number }[]) =>
    loop.items.forEach((item, i) => {
      const path = [...around, { loop, item: i }];
      if (item.kind === "loop") return walk(item, path);
      assert(!paths.has(item.block), "a block stands twice");
      paths.set(item.block, path);
    });
  walk(shape, []);
  for (const entry of entries) assert(isEnterable(paths.get(entry)!, 0, entry));
  for (const [from, list] of successors.entries()) {
    if (!paths.has(from)) continue;
    for (const to of list) {
      const [a, b] = [paths.get(from)!, paths.get(to)!];
      let common = 0;
      while (common + 1 < a.length && common + 1 < b.length && a[common + 1].loop === b[common + 1].loop) {
        common++;
      }
      const isForward = b[common].item > a[common].item && isEnterable(b, common + 1, to);
      const isBack = a.slice(1, common + 1).some(({ loop }) => loop.heads.includes(to));
      assert(isForward || isBack, `${from} to ${to} in ${text(shape.items)}`);
    }
  }
}

/** Whether the loops of a path, from one on, are entered at that block. */
function isEnterable(path: readonly { loop: Loop }[], from: number, block: number): boolean {
  return path.slice(from).every(({ loop }) => loop.heads.includes(block));
}
