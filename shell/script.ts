/** Experiments: TypeScript modules that trapsh runs, or that run by themselves. */
import { resolve } from "node:path";
import { UserError } from "./errors.ts";
import { eachWithProgress, type StartProgress } from "./progress_display.ts";
import type { Session, Sink } from "./session.ts";
import type { Style } from "./style.ts";

/** What an experiment's default export is called with. */
export interface ScriptContext {
  /** Words after the file's name. */
  readonly args: readonly string[];
  /** A session of its own from the command line; the prompt's own one there. */
  readonly session: Session;
  /** Where results go: standard output, or the prompt's. */
  readonly out: Sink;
  /** How text looks there. */
  readonly style: Style;
  /** Whether `--json` was asked for. */
  readonly json: boolean;
  /** Fires on Ctrl-C at the prompt; elsewhere while progress is shown, as without it Ctrl-C ends the program. */
  readonly signal: AbortSignal;
  /** Begins to show how far long work is, on a terminal's standard error: `using shown = progress("boot")`. */
  readonly progress: StartProgress;
  /**
   * The items, one after the other, with their progress shown: `for await (const size of each("sizes", sizes)) ...`. After
   * Ctrl-C no more come, so that what is done so far can be told.
   */
  readonly each: <T>(what: string, items: Iterable<T>, unit?: string) => AsyncIterable<T>;
}

/** What a script is called with, for a session and words. */
export function scriptContext(session: Session, words: readonly string[]): ScriptContext {
  const { out, style, signal, progress } = session;
  // As when it runs by itself: see standalone().
  const args = words.filter((word) => word !== "--json");
  return {
    ...{ args, session, out, style, signal, progress },
    json: session.json || args.length < words.length,
    each: (what, items, unit) => eachWithProgress({ progress, signal }, what, items, unit),
  };
}

/** What it may export: a number that it returns is the exit status. */
export type Script = (context: ScriptContext) => unknown;

/**
 * Imports `file` (counted from the working directory) and calls its default export, if it has one; without,
 * importing it was the experiment. Returns what it returned.
 *
 * Throws `UserError` for a file that is not there or a default export that is no function, and what the
 * module throws.
 */
export async function runScript(session: Session, file: string, args: readonly string[]): Promise<unknown> {
  const path = resolve(file);
  await checkReadable(path, file);
  await session.ready();
  const module = await importExperiment(session, path, file);
  const main = module.default;
  if (main === undefined) return undefined;
  if (typeof main !== "function") {
    throw new UserError(
      `The default export of ${file} is a ${typeof main}: export default function (context) {...}`,
    );
  }
  return await (main as Script)(scriptContext(session, args));
}

async function checkReadable(path: string, file: string): Promise<void> {
  try {
    if ((await Deno.stat(path)).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(`There is no file ${file}`, { cause: error });
  }
  throw new UserError(`${file} is no file: run takes a TypeScript or JavaScript module`);
}

/** Modules of trapsh's own process see its import map, its lock and its permissions, and no others. */
async function importExperiment(
  session: Session,
  path: string,
  file: string,
): Promise<Record<string, unknown>> {
  try {
    return await session.importFresh(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!/lockfile|not a dependency|not in import map/i.test(message)) throw error;
    throw new UserError(
      `${file} imports packages that are not trapsh's (${message.split("\n")[0]}): ` +
        `give it a deno.json of its own and run it by deno run ${file}; see help scripts`,
      { cause: error },
    );
  }
}
