/** Worlds of one mode, each run twice, with regions off and compiled by chance; in a process of its own under `endurance_main.ts`, or within a test. */
import type { RegionPolicy } from "../../emulator/engine/hot_code.ts";
import { Random } from "../support/random.ts";
import { endOfWorld, type EnduranceMode, type WorldEnd } from "./endurance.ts";

/** Every `step`-th world from `first` on, until they have executed this many instructions in one of the two runs. */
export interface Chunk {
  readonly first: number;
  readonly step: number;
  readonly instructions: number;
  /** Instructions of a world. */
  readonly length: number;
}

/** Tells of each world: its number before it is run, then how it ended. */
export interface Watcher {
  begin(world: number): void;
  end(world: number, end: WorldEnd): void;
}

/** Instructions of the longest world that is compiled as a whole. */
const ALL_COMPILED = 20_000;

/** How the second run of a world compiles its code: all of it in some, by chance in others. */
export function policyOf(world: number, length: number): RegionPolicy {
  const random = new Random(world);
  // To compile all of a world's code takes minutes for a long one.
  if (random.below(4) === 0 && length <= ALL_COMPILED) return "first";
  return { interval: 50 + random.below(5000), found: 1 + random.below(3), leftFor: 1 + random.below(8) };
}

/** Throws `Error` that names the world if the host fails in it or its second run ends otherwise. */
export async function runChunk(mode: EnduranceMode, chunk: Chunk, watcher?: Watcher): Promise<void> {
  const { first, step, instructions, length } = chunk;
  let executed = 0;
  for (let world = first; executed < instructions; world += step) {
    watcher?.begin(world);
    const size = Math.min(length, instructions - executed);
    const once = await attempt(mode, world, size, "off"),
      again = await attempt(mode, world, size, policyOf(world, size));
    if (once.digest !== again.digest) {
      throw new Error(`${mode.name}, world ${world}: ${describe(once)}, and again ${describe(again)}`);
    }
    watcher?.end(world, once);
    // A world that leads nowhere counts for something, or there might be no end.
    executed += Math.max(once.instructions, 1000);
  }
}

async function attempt(
  mode: EnduranceMode,
  world: number,
  length: number,
  regions: RegionPolicy,
): Promise<WorldEnd> {
  try {
    return await endOfWorld({ ...mode, options: { ...mode.options, regions } }, world, length);
  } catch (error) {
    throw new Error(`${mode.name}, world ${world} of ${length} instructions: the host failed`, {
      cause: error,
    });
  }
}

function describe({ digest, instructions, cycles, exits }: WorldEnd): string {
  return `${digest} after ${instructions} instructions, ${cycles} cycles, ${exits} exits`;
}
