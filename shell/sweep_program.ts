/** `trapsh sweep` and `trapsh merge`: the commands of the prompt, with an exit status that an engine can go by. */
import { UserError } from "./errors.ts";
import { parseWords, render } from "./invoke.ts";
import type { LiveSession } from "./live_session.ts";
import type { MergedSweep } from "./sweeps/merge_sweeps.ts";
import type { SweepRun } from "./sweeps/run_sweep.ts";

/** As a shell has it for what Ctrl-C ended. */
const STOPPED = 130;

/** Runs the command and prints its data. Returns 0, 1 if a cell failed, or 130 if it was stopped. */
export async function runSweepCommand(
  session: LiveSession,
  name: string,
  words: readonly string[],
): Promise<number> {
  const found = session.table.find([name, ...words]);
  if (!found || "ambiguous" in found) throw new UserError(`There is no command ${name}`);
  if (words.includes("--help") || words.includes("-h")) {
    await session.execute(`help ${found.command.name}`);
    return 0;
  }
  const invocation = parseWords(found.command, found.words);
  if (!found.command.light) await session.ready();
  const data = await found.command.run(session, invocation.args) as SweepRun | MergedSweep;
  session.out.write(render(invocation, data, session.style, session.json));
  const stopped = !("files" in data) && data.left > 0;
  return stopped ? STOPPED : data.cells.some(({ outcome }) => outcome.kind === "failed") ? 1 : 0;
}
