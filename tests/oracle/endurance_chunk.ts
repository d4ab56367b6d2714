/** Worlds of one mode, each run twice; in a process of its own under `endurance_main.ts`, or within a test. */
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

/** Throws `Error` that names the world if the host fails in it or its second run ends otherwise. */
export async function runChunk(mode: EnduranceMode, chunk: Chunk, watcher?: Watcher): Promise<void> {
  const { first, step, instructions, length } = chunk;
  let executed = 0;
  for (let world = first; executed < instructions; world += step) {
    watcher?.begin(world);
    const size = Math.min(length, instructions - executed);
    const [once, again] = [await attempt(mode, world, size), await attempt(mode, world, size)];
    if (once.digest !== again.digest) {
      throw new Error(`${mode.name}, world ${world}: ${describe(once)}, and again ${describe(again)}`);
    }
    watcher?.end(world, once);
    // A world that leads nowhere counts for something, or there might be no end.
    executed += Math.max(once.instructions, 1000);
  }
}

async function attempt(mode: EnduranceMode, world: number, length: number): Promise<WorldEnd> {
  try {
    return await endOfWorld(mode, world, length);
  } catch (error) {
    throw new Error(`${mode.name}, world ${world} of ${length} instructions: the host failed`, {
      cause: error,
    });
  }
}

function describe({ digest, instructions, cycles, exits }: WorldEnd): string {
  return `${digest} after ${instructions} instructions, ${cycles} cycles, ${exits} exits`;
}
