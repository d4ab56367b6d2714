/**
 * A worker that performs cells of one sweep, one after the other. The emulator is loaded by the sweep's module and not by this
 * one; so is all that can go wrong.
 */
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { UserError } from "../errors.ts";
import type { SweepParameters } from "./definition.ts";
import type { SweepInput } from "./identity.ts";
import { type LoadedSweep, sweepOf } from "./load_sweep.ts";
import { type CellOutcome, messageOf } from "./outcome.ts";
import { performCell } from "./perform_cell.ts";

/** What a worker is made with. */
export interface WorkerTask {
  /** URL of the module. */
  readonly module: string;
  /** What messages call it. */
  readonly where: string;
  readonly input?: SweepInput;
}

export interface CellRequest {
  readonly cell: number;
  readonly parameters: SweepParameters;
}

export type WorkerReply =
  | { readonly kind: "loaded"; readonly title?: string; readonly parameters: SweepParameters }
  | { readonly kind: "unloadable"; readonly error: string }
  | { readonly kind: "done"; readonly cell: number; readonly outcome: CellOutcome }
  /** Something was thrown that nobody awaits: the worker is of no use any more. */
  | { readonly kind: "lost"; readonly error: string };

function serve({ module, where, input }: WorkerTask): void {
  const answer = (reply: WorkerReply) => parentPort!.postMessage(reply);
  const onLost = (event: PromiseRejectionEvent | ErrorEvent) => {
    event.preventDefault();
    answer({ kind: "lost", error: messageOf("reason" in event ? event.reason : event.error) });
  };
  globalThis.addEventListener("unhandledrejection", onLost);
  globalThis.addEventListener("error", onLost);
  // Standard output is for results.
  console.log = console.info = console.debug = console.error;
  const loading = load(module, where);
  loading.then(
    ({ title, parameters }) => answer({ kind: "loaded", ...(title !== undefined && { title }), parameters }),
    (error) =>
      answer({
        kind: "unloadable",
        error: error instanceof UserError ? error.message : `${where} cannot be loaded: ${messageOf(error)}`,
      }),
  );
  parentPort!.on("message", async ({ cell, parameters }: CellRequest) => {
    const sweep = await loading;
    const perform = async () =>
      answer({ kind: "done", cell, outcome: await performCell(sweep, parameters, cell, input) });
    // Deno 2.9.6 tells of a full heap where it fills within a timer's callback, and else falls silent.
    setTimeout(perform);
  });
}

async function load(module: string, where: string): Promise<LoadedSweep> {
  return sweepOf(await import(module), where);
}

if (!isMainThread && workerData?.module !== undefined) serve(workerData);
