/** Which slots of flags have to be settled where, from one block of a region to the next. */
import type { KeptThrough, Need } from "../ir/keeper.ts";
import type { Step } from "../ir/nodes.ts";
import type { RegionBlock } from "./region_blocks.ts";

/** What each block wants of a group at its beginning; `following` are the blocks that each may go on to. */
export function needsOf(
  blocks: readonly KeptThrough[],
  following: readonly (readonly number[])[],
): readonly Need[] {
  const needs = blocks.map(({ need }) => need);
  for (let changed = true; changed;) {
    changed = false;
    blocks.forEach(({ keeping }, i) => {
      // Who changes none of them passes on what comes behind wants.
      const wanted = keeping === "unknown" ? wantedBehind(needs, following[i]) : 0;
      if (wanted <= needs[i]) return;
      needs[i] = wanted;
      changed = true;
    });
  }
  return needs;
}

/** What the blocks that may come next want. */
export function wantedBehind(needs: readonly Need[], following: readonly number[]): Need {
  return Math.max(0, ...following.map((next) => needs[next])) as Need;
}

/** Whether it goes on at an address that is known only then. */
export function branchesAnywhere({ instructions }: RegionBlock): boolean {
  const computed = (step: Step): boolean =>
    step.kind === "branch"
      ? step.target.constant === undefined
      : step.kind === "when" && step.then.some(computed);
  return instructions[instructions.length - 1].steps.some(computed);
}
