/**
 * A region's blocks and how they lead to each other. The blocks of small loops stand there several times, a turn each: V8
 * moves what a turn hands on to the next one, and looks for interrupts, once for all of them.
 */
import type { Step } from "../ir/nodes.ts";
import type { Isa } from "../isa/isa.ts";
import { branchTargets, recordBlock, type RegionBlock, type RegionInstruction } from "./region_blocks.ts";
import { type Loop, shapeOf } from "./region_shape.ts";

export interface RegionGraph {
  readonly blocks: readonly RegionBlock[];
  /** Blocks that each may go on to without leaving, but for those at computed addresses. */
  readonly successors: readonly (readonly number[])[];
  readonly shape: Loop;
  /** The block at an address, as another one goes on to it, if that may be without leaving. */
  next(from: number, pc: bigint): number | undefined;
}

/** Turns of a loop that stand one after the other. */
const TURNS = 2;
/** Instructions in a loop, at most, of which there are several turns. */
const LOOP_LIMIT = 16;

/** Where a block stands among the turns of its loop. */
interface Turn {
  readonly loop: readonly number[];
  readonly turn: number;
  /** The same block in each turn. */
  readonly all: readonly number[];
}

/** `places` are the blocks' numbers by their addresses, `entries` those that are entered from outside. */
export function graphOf(
  isa: Isa,
  code: readonly (readonly RegionInstruction[])[],
  { places, entries, stops }: {
    readonly places: ReadonlyMap<bigint, number>;
    readonly entries: readonly number[];
    readonly stops: ReadonlySet<bigint>;
  },
): RegionGraph {
  const blocks = code.map((block) => recordBlock(isa, block));
  const turns = new Map<number, Turn>();
  const next = (from: number, pc: bigint): number | undefined => {
    const first = stops.has(pc) ? undefined : places.get(pc);
    const here = turns.get(from), there = first === undefined ? undefined : turns.get(first);
    if (here === undefined || there === undefined || here.loop !== there.loop) return first;
    const [head] = here.loop;
    return there.all[first === head ? (here.turn + 1) % TURNS : here.turn];
  };
  const successorsOf = (block: RegionBlock, from: number): number[] => {
    const { steps } = block.instructions[block.instructions.length - 1];
    const targets = leavesSegment(isa.codeBase, steps) ? [] : branchTargets(steps);
    return [...targets, ...block.nextPc === undefined ? [] : [block.nextPc]].flatMap((pc) =>
      next(from, pc) ?? []
    );
  };
  const once = shapeOf(blocks.map(successorsOf), entries);
  for (const loop of smallLoops(once, blocks)) {
    const all = loop.map((first) => [first]);
    for (let turn = 1; turn < TURNS; turn++) {
      // Recorded anew: where values are is noted in them.
      loop.forEach((first, i) => all[i].push(blocks.push(recordBlock(isa, code[first])) - 1));
    }
    for (const same of all) same.forEach((block, turn) => turns.set(block, { loop, turn, all: same }));
  }
  if (turns.size === 0) return { blocks, successors: blocks.map(successorsOf), shape: once, next };
  const successors = blocks.map(successorsOf);
  return { blocks, successors, shape: shapeOf(successors, entries), next };
}

/** Blocks of each loop that has no other one in it, its head first, if they are few. */
function smallLoops(around: Loop, blocks: readonly RegionBlock[]): number[][] {
  return around.items.flatMap((item) => {
    if (item.kind === "block") return [];
    const inside = item.items.flatMap((one) => one.kind === "block" ? [one.block] : []);
    if (inside.length < item.items.length) return smallLoops(item, blocks);
    const instructions = inside.reduce((sum, block) => sum + blocks[block].instructions.length, 0);
    if (item.heads.length > 1 || instructions > LOOP_LIMIT) return [];
    return [[item.heads[0], ...inside.filter((block) => block !== item.heads[0])]];
  });
}

/** Whether an instruction loads the code segment: the same offset is another place then. */
export function leavesSegment(codeBase: number | undefined, steps: readonly Step[]): boolean {
  return codeBase !== undefined && steps.some((step) =>
    (step.kind === "write" && step.slot === codeBase) ||
    (step.kind === "when" && leavesSegment(codeBase, step.then))
  );
}
