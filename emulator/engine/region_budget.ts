/**
 * Where a region looks at what is left of the budget: at the heads of loops and entries, for all that is executed before the
 * next look. What is executed is paid for block by block.
 */
import type { Step } from "../ir/nodes.ts";
import type { RegionGraph } from "./region_graph.ts";
import type { Loop } from "./region_shape.ts";

/**
 * Instructions between two looks, but for a block that has more: where less is left, the interpreter executes it.
 */
const PATH_LIMIT = 32;

/** How much has to be left at the beginning of the blocks at which that is looked at. */
export function looksOf({ blocks, successors, shape }: RegionGraph): ReadonlyMap<number, number> {
  const looking = new Set(headsOf(shape));
  blocks.forEach(({ instructions }, i) => {
    // The host may have executed more.
    if (instructions.some(({ steps }) => traps(steps))) {
      for (const next of successors[i]) looking.add(next);
    }
  });
  const lengths = new Map<number, number>();
  const open = new Set<number>();
  /** Instructions from a block up to the next look. */
  const lengthOf = (block: number): number => {
    let length = lengths.get(block);
    if (length !== undefined) return length;
    const own = blocks[block].instructions.length;
    length = own;
    open.add(block);
    for (const next of successors[block]) {
      // The shape has no loops of what cannot be reached, whose heads would be looked at.
      if (open.has(next)) looking.add(next);
      if (looking.has(next)) continue;
      const together = own + lengthOf(next);
      if (together > PATH_LIMIT) looking.add(next);
      else length = Math.max(length, together);
    }
    open.delete(block);
    lengths.set(block, length);
    return length;
  };
  // Those that are found on the way are looked at too.
  for (const block of looking) lengthOf(block);
  return new Map([...looking].map((block) => [block, lengthOf(block)]));
}

function headsOf(loop: Loop): number[] {
  return [...loop.heads, ...loop.items.flatMap((item) => item.kind === "loop" ? headsOf(item) : [])];
}

/** Whether the host is asked to do something and goes on behind it. */
function traps(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    if (step.kind === "when") return traps(step.then);
    return step.kind === "value" && step.node.source.kind === "trap" && !step.node.source.final;
  });
}
