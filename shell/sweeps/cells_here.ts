/**
 * Performs cells in this thread. A worker takes half a second to load the emulator, which is here already: for a few cells of
 * trapsh's own sweeps, which neither crash nor hang.
 */
import { setImmediate } from "node:timers/promises";
import type { CellRequest, WorkerTask } from "./cell_worker.ts";
import { type LoadedSweep, sweepOf } from "./load_sweep.ts";
import type { CellOutcome } from "./outcome.ts";
import { performCell } from "./perform_cell.ts";
import type { CellPerformer, Described } from "./pool.ts";

export class CellsHere implements CellPerformer {
  readonly alive = true;
  readonly described: Promise<Described>;
  readonly #loading: Promise<LoadedSweep>;
  readonly #input: WorkerTask["input"];

  constructor({ module, where, input }: WorkerTask) {
    this.#loading = import(module).then((loaded) => sweepOf(loaded, where));
    this.described = this.#loading;
    this.#input = input;
  }

  async perform({ cell, parameters }: CellRequest): Promise<CellOutcome> {
    // Ctrl-C comes from the event loop.
    await setImmediate();
    return await performCell(await this.#loading, parameters, cell, this.#input);
  }

  end(): void {}
}
