/** Runs sweeps, or parts of them, and puts parts together. */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { abortable } from "../abortable.ts";
import { UserError } from "../errors.ts";
import type { StartProgress } from "../progress_display.ts";
import type { SweepParameters, SweepValue } from "./definition.ts";
import { identify, identityHash, type SweepInput } from "./identity.ts";
import { Journal, type JournalMode } from "./journal.ts";
import type { CellOutcome } from "./outcome.ts";
import { CellsHere } from "./cells_here.ts";
import { CellWorker, checkJobs, defaultJobs, PATIENCE, performCells } from "./pool.ts";
import { cellCount, override, parseShard, type Shard, WHOLE, workOrder } from "./product.ts";
import { type SweepTable, sweepTable } from "./sweep_table.ts";
import { checkFormat, writeTable } from "./write_table.ts";

/** How a sweep is run. */
export interface SweepOptions {
  /** Other values for some of the parameters. */
  readonly set?: Readonly<Record<string, readonly SweepValue[]>>;
  /** Workers at once; one for each core if not given. */
  readonly jobs?: number;
  /** The part to do, such as `"2/4"`; all of it if not given. */
  readonly shard?: string;
  /**
   * Where the table goes when all cells are done, as `.csv` or `.json`. What is done is kept beside it, in `OUT.journal`, or for
   * a shard in `OUT.I-of-N.journal`, which `mergeSweeps` takes. Nothing is kept if not given.
   */
  readonly out?: string;
  /** Go on with a journal that is there; without this, one that holds cells is an error. */
  readonly resume?: boolean;
  /** With `resume`, do the cells again that failed. */
  readonly retry?: boolean;
  /** Throw a journal away that is there. */
  readonly restart?: boolean;
  /** Seconds of the host's time that a cell may take; 300 if not given. */
  readonly patience?: number;
  /** Stops the sweep: cells in work are lost, and done again by `resume`. */
  readonly signal?: AbortSignal;
  /** Shows how far it is: what a script's context has, or a session. */
  readonly progress?: StartProgress;
  /** Called at the start and after each cell. */
  readonly onProgress?: (progress: SweepProgress) => void;
}

/** How far a sweep is. */
export interface SweepProgress {
  /** Cells done, those of before a stop included. */
  readonly done: number;
  /** Those of them that were done before. */
  readonly before: number;
  /** Cells of the shard, or of the sweep. */
  readonly total: number;
  /** Cells that failed. */
  readonly failed: number;
}

/** What came of a sweep. */
export interface SweepRun extends SweepTable {
  /** The part that was to be done. */
  readonly shard: Shard;
  /** Cells of this part that are not done: there are some only after `signal`. */
  readonly left: number;
  /** Where the cells are kept. */
  readonly journal?: string;
  /** Where the table is; only of a whole sweep. */
  readonly out?: string;
}

/** What only trapsh's own sweeps have. */
export interface OwnOptions {
  readonly input?: SweepInput;
  /** Instead of the module's. */
  readonly parameters?: SweepParameters;
  readonly title?: string;
  /** Further files that the cells depend on, absolute; cells get them as `files`. */
  readonly also?: readonly string[];
  /** Cells are so few, and so much trapsh's own, that they are performed in this thread. */
  readonly here?: boolean;
  /** MiB for the objects of a worker. */
  readonly heap?: number;
}

/**
 * Runs the sweep that a module defines, over the machine's cores in workers. `module` is a path, counted from the working
 * directory, or a `file:` URL such as `import.meta.url`.
 *
 * The table depends on nothing but the sweep: not on the number of workers, on shards, or on stops. Throws `Error` that says
 * what is wrong with the module, the options or the journal; a cell that throws, crashes or hangs only fails.
 */
export function runSweep(module: string | URL, options: SweepOptions = {}): Promise<SweepRun> {
  return runOwnSweep(module, options, {});
}

/** The same, for the shell's own modules too. */
export async function runOwnSweep(
  module: string | URL,
  options: SweepOptions,
  { input, also, here = false, heap, ...own }: OwnOptions,
): Promise<SweepRun> {
  const path = /^file:/.test(String(module)) ? fileURLToPath(module) : resolve(String(module));
  const where = String(module).startsWith("file:") ? path : String(module);
  await checkIsFile(path, where);
  const jobs = here ? 1 : checkJobs(options.jobs ?? defaultJobs());
  const shard = options.shard === undefined ? WHOLE : parseShard(options.shard);
  const patience = options.patience ?? PATIENCE;
  if (!(patience > 0 && patience <= 2_000_000)) {
    throw new UserError(`A patience of ${patience} s is not between 0 and 2000000`);
  }
  const signal = options.signal ?? new AbortController().signal;
  if (options.out !== undefined) checkFormat(options.out);
  const task = {
    module: pathToFileURL(path).href,
    where,
    ...(input && { input: { ...input, files: also ?? [] } }),
  };
  const first = here ? new CellsHere(task) : new CellWorker(task, { patience, ...(heap && { heap }) });
  let journal: Journal | undefined;
  try {
    const { title, parameters } = { ...await abortable(first.described, signal), ...own };
    const swept = override(parameters, options.set ?? {}, where);
    const whatItIs = () => identify(path, { title, parameters: swept, input, also });
    const identity = await whatItIs(), id = await identityHash(identity);
    const file = options.out === undefined ? undefined : journalName(options.out, shard);
    if (file !== undefined) {
      journal = await Journal.open(file, identity, shard, modeOf(options));
      if (options.retry) journal.retry();
    }
    const outcomes = journal?.outcomes ?? new Map<number, CellOutcome>();
    const total = cellCount(swept), order = workOrder(total, shard), before = outcomes.size;
    let failed = [...outcomes.values()].filter(({ kind }) => kind === "failed").length;
    using shown = options.progress?.("sweep", { unit: "cells" });
    const tell = () => {
      const at = { done: outcomes.size, before, total: order.length };
      shown?.update({ ...at, ...(failed > 0 && { more: `${failed} failed` }) });
      options.onProgress?.({ ...at, failed });
    };
    tell();
    const beforeReplacing = async () => {
      if (await identityHash(await whatItIs()) === id) return;
      throw new UserError(
        `${where} has changed while its sweep ran: what was done by then is kept, but it cannot go on`,
      );
    };
    await performCells(
      task,
      first,
      order.filter((cell) => !outcomes.has(cell)),
      swept,
      { jobs, patience, beforeReplacing, signal, ...(heap && { heap }) },
      (cell, outcome) => {
        if (journal) journal.add(cell, outcome);
        else outcomes.set(cell, outcome);
        if (outcome.kind === "failed") failed++;
        tell();
      },
    );
    const result = sweepTable(identity, id, total, outcomes);
    const whole = outcomes.size === total && options.out !== undefined;
    if (whole && options.out !== undefined) await writeTable(options.out, result);
    return {
      ...result,
      shard,
      left: order.length - outcomes.size,
      ...(file !== undefined && { journal: file }),
      ...(whole && { out: options.out }),
    };
  } finally {
    first.end();
    journal?.close();
  }
}

async function checkIsFile(path: string, where: string): Promise<void> {
  try {
    if ((await Deno.stat(path)).isFile) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UserError(`There is no file ${where}`, { cause: error });
  }
  throw new UserError(`${where} is no file: a sweep is a TypeScript or JavaScript module`);
}

function modeOf({ resume, retry, restart }: SweepOptions): JournalMode {
  if (restart && (resume || retry)) {
    throw new UserError("restart throws away what resume and retry go on with: choose");
  }
  return restart ? "restart" : resume || retry ? "resume" : "new";
}

/** `OUT.journal`, or `OUT.2-of-4.journal` for a shard, so that shards of one command line do not meet. */
export function journalName(out: string, { index, of }: Shard): string {
  return of === 1 ? `${out}.journal` : `${out}.${index}-of-${of}.journal`;
}
