/** Performs one cell of a sweep: what it answers or throws becomes its outcome. */
import type { Stop, Vm } from "../machine_types.ts";
import type { CellContext } from "./definition.ts";
import type { SweepInput } from "./identity.ts";
import type { LoadedSweep } from "./load_sweep.ts";
import { type CellOutcome, checkResult, messageOf } from "./outcome.ts";
import { cellSeed, randomFrom, valuesOf } from "./product.ts";

/** Thrown by `context.infeasible`, through the cell. */
class Infeasible extends Error {
  override name = "Infeasible";
}

/** Cell `index` of `parameters`, which may have other values than the sweep's own. Never rejects. */
export async function performCell(
  sweep: LoadedSweep,
  parameters: LoadedSweep["parameters"],
  index: number,
  input: SweepInput | undefined,
): Promise<CellOutcome> {
  const notes = new Set<string>();
  const context = new Context(index, sweep.budget, notes);
  try {
    const answer = await sweep.cell(valuesOf(parameters, index), context, input);
    return { kind: "ok", result: checkResult(answer, Object.keys(parameters)), notes: [...notes] };
  } catch (error) {
    return error instanceof Infeasible
      ? { kind: "infeasible", reason: error.message }
      : { kind: "failed", error: messageOf(error) };
  }
}

class Context implements CellContext {
  readonly index: number;
  readonly seed: number;
  readonly random: () => number;
  readonly #notes: Set<string>;
  readonly #given: number;
  #spent = 0;

  constructor(index: number, budget: number, notes: Set<string>) {
    this.index = index;
    this.seed = cellSeed(index);
    this.random = randomFrom(this.seed);
    this.#given = budget;
    this.#notes = notes;
  }

  get budget(): number {
    return this.#given - this.#spent;
  }

  async run(vm: Vm): Promise<Stop> {
    const before = instructionsOf(vm);
    const stop = await vm.run({ instructions: this.budget });
    this.#spent += instructionsOf(vm) - before;
    if (stop.reason === "BUDGET") {
      throw new RangeError(`the cell's budget of ${this.#given} guest instructions is spent`);
    }
    return stop;
  }

  /** Without `this`, so that it can be handed on. */
  readonly infeasible = (reason: unknown): never => {
    throw new Infeasible(reason instanceof Error ? reason.message : String(reason));
  };

  note(line: string): void {
    this.#notes.add(String(line));
  }
}

function instructionsOf(vm: Vm): number {
  return vm.vcpus.reduce((sum, { instructions }) => sum + instructions, 0);
}
