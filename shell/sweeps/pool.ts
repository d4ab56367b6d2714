/** Workers that perform the cells of a sweep. One that crashes or hangs costs its cell and no other. */
import { Worker } from "node:worker_threads";
import { UserError } from "../errors.ts";
import { besideThis } from "./beside_this.ts";
import type { CellRequest, WorkerReply, WorkerTask } from "./cell_worker.ts";
import type { SweepParameters } from "./definition.ts";
import type { CellOutcome } from "./outcome.ts";

/** Seconds that a cell may take if nobody says. In the host only: what it ends is a cell that would never have ended. */
export const PATIENCE = 300;
/** Seconds that a module may take to load at least. */
const LOADING = 60;
/** MiB of JavaScript objects in a worker; guests' memory does not count. Without a limit one cell could end the process. */
const HEAP = 2048;
const MOST_JOBS = 256;

export interface PoolOptions {
  /** Workers at once. */
  readonly jobs: number;
  /** Seconds for a cell. */
  readonly patience: number;
  readonly heap?: number;
  /** Called before a worker takes the place of one that was lost: throws if the module has changed since. */
  readonly beforeReplacing: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What a module says about its sweep. */
export interface Described {
  readonly title?: string;
  readonly parameters: SweepParameters;
}

/** What performs cells, one after the other. */
export interface CellPerformer {
  /** Rejects with `UserError` if the module cannot be loaded. */
  readonly described: Promise<Described>;
  /** False once it can take no further cell. */
  readonly alive: boolean;
  /** Performs a cell. Rejects only if the module cannot be loaded. */
  perform(request: CellRequest): Promise<CellOutcome>;
  end(): void;
}

/** One for each core, up to a limit. */
export function defaultJobs(): number {
  return Math.max(1, Math.min(MOST_JOBS, navigator.hardwareConcurrency));
}

/** Throws `UserError` for what is no number of workers. */
export function checkJobs(jobs: number): number {
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= MOST_JOBS) return jobs;
  throw new UserError(`${jobs} jobs are not between 1 and ${MOST_JOBS}`);
}

/**
 * A worker, from its start to its loss. It may do what the process may: Deno 2.9.6 gives workers fewer permissions only behind
 * an unstable flag, and what a worker gives up by itself the process loses, too.
 */
export class CellWorker implements CellPerformer {
  readonly described: Promise<Described>;
  readonly #worker: Worker;
  readonly #patience: number;
  #settle: ((end: { outcome: CellOutcome } | { lost: string }) => void) | undefined;
  #alive = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(task: WorkerTask, { patience, heap = HEAP }: Pick<PoolOptions, "patience" | "heap">) {
    this.#patience = patience;
    this.#worker = new Worker(besideThis("cell_worker"), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: heap },
    });
    this.#worker.on("error", (error: Error) => this.#lose(`the worker crashed: ${error.message}`));
    this.#worker.on("exit", (code: number) => this.#lose(`its worker ended with status ${code}`));
    this.described = this.#load(task.where);
    // Whoever waits for a cell first hears of it there.
    this.described.catch(() => {});
  }

  #load(where: string): Promise<Described> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(this.#timer);
        this.#settle = undefined;
        reject(new UserError(why));
      };
      this.#watch("it was not loaded", Math.max(LOADING, this.#patience));
      this.#settle = (end) =>
        fail(`${where} cannot be loaded: ${"lost" in end ? end.lost : "it did a cell before"}`);
      this.#worker.on("message", (reply: WorkerReply) => {
        switch (reply.kind) {
          case "loaded":
            clearTimeout(this.#timer);
            this.#settle = undefined;
            return resolve(reply);
          case "unloadable":
            return fail(reply.error);
          case "done":
            return this.#settle?.({ outcome: reply.outcome });
          case "lost":
            return this.#lose(`not awaited: ${reply.error}`);
        }
      });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  async perform(request: CellRequest): Promise<CellOutcome> {
    await this.described;
    return await new Promise((resolve) => {
      this.#watch("no answer", this.#patience, ": an endless loop, a wait without end, or a full memory");
      this.#settle = (end) => {
        clearTimeout(this.#timer);
        this.#settle = undefined;
        resolve("outcome" in end ? end.outcome : { kind: "failed", error: end.lost });
      };
      if (this.#alive) this.#worker.postMessage(request);
      else this.#settle({ lost: "the worker crashed" });
    });
  }

  #watch(what: string, seconds: number, why = ""): void {
    this.#timer = setTimeout(() => this.#lose(`${what} within ${seconds} s${why}`), seconds * 1000);
  }

  #lose(why: string): void {
    // First, as terminate tells of the exit at once, and that is not the reason.
    this.#settle?.({ lost: why });
    this.end();
  }

  /** A cell in an endless loop of JavaScript's own cannot be stopped: its thread goes on until the process ends. */
  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    clearTimeout(this.#timer);
    this.#worker.terminate();
  }
}

/**
 * Performs `cells`, several at once, `first` being there already. `onDone` is called for each, in the order in
 * which they end. Resolves when all are done, or soon after the signal, with cells left. Rejects with what `onDone` throws.
 */
export async function performCells(
  task: WorkerTask,
  first: CellPerformer,
  cells: readonly number[],
  parameters: SweepParameters,
  options: PoolOptions,
  onDone: (cell: number, outcome: CellOutcome) => void,
): Promise<void> {
  const workers = new Set<CellPerformer>([first]);
  const stopping = Promise.withResolvers<void>();
  const { signal } = options;
  let next = 0, stopped = signal.aborted;
  const stop = () => {
    stopped = true;
    for (const worker of workers) worker.end();
    stopping.resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  const slot = async (worker: CellPerformer | undefined) => {
    while (!stopped && next < cells.length) {
      const cell = cells[next++];
      if (worker !== undefined && !worker.alive) {
        await options.beforeReplacing();
        workers.delete(worker);
        worker = undefined;
      }
      if (worker === undefined) workers.add(worker = new CellWorker(task, options));
      const outcome = await worker.perform({ cell, parameters });
      if (!stopped) onDone(cell, outcome);
    }
  };
  try {
    const slots = Array.from(
      { length: Math.min(options.jobs, cells.length) },
      (_, i) => slot(i === 0 ? first : undefined),
    );
    await Promise.race([Promise.all(slots), stopping.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
