/** What a sweep is: parameters, and a function that measures one cell of their product. */
import type { Stop, Vm } from "../machine_types.ts";

/** A value of a parameter, or of a result. */
export type SweepValue = string | number | boolean;

/** Parameters by name, each with the values that it takes. The last one changes fastest. */
export type SweepParameters = Readonly<Record<string, readonly SweepValue[]>>;

/** One value of each parameter. */
export type CellValues<P extends SweepParameters = SweepParameters> = {
  readonly [Name in keyof P]: P[Name][number];
};

/** What a cell answers: the columns of its line. Numbers are finite; undefined leaves a column empty. */
export type CellResult = Readonly<Record<string, SweepValue | undefined>>;

/** What a cell is called with beside its values. */
export interface CellContext {
  /** Position in the product, from 0. */
  readonly index: number;
  /** 32 bits that depend on the index and on nothing else. */
  readonly seed: number;
  /** Numbers from 0 to below 1 that follow from `seed`: the same ones in every run of the cell. */
  random(): number;
  /** Guest instructions that `run` may still spend. */
  readonly budget: number;
  /** Runs a guest to its end. Throws `Error` where that is not within the cell's budget. */
  run(vm: Vm): Promise<Stop>;
  /** Ends the cell: it cannot be, and why. Takes what was thrown, too: `.catch(context.infeasible)`. */
  readonly infeasible: (reason: unknown) => never;
  /** A line to stand below the table, such as where cycle figures are from; equal ones stand there once. */
  note(line: string): void;
}

/**
 * A sweep. Cells run in workers, in any order, and several in one worker: a cell makes all that it uses, awaits all that it
 * starts, and keeps nothing for the next one.
 */
export interface SweepDefinition<P extends SweepParameters = SweepParameters> {
  /** A line to stand above the table. */
  readonly title?: string;
  /** What the cells are the product of. */
  readonly parameters: P;
  /** Guest instructions that a cell may spend in `context.run`; a thousand million if not given. */
  readonly budget?: number;
  /** Measures one cell. What it throws is its result, too: the cell has failed, and the sweep goes on. */
  cell(values: CellValues<P>, context: CellContext): Promise<CellResult> | CellResult;
}

/** Guest instructions of a cell, if its sweep does not say: seconds of this engine. */
export const DEFAULT_BUDGET = 1_000_000_000;

/**
 * Gives a sweep its types, and is the default export of its module, or the export `sweep`.
 *
 * @example
 * ```ts
 * import { createIo, createVm, defineSweep, startMeter } from "trapsh";
 *
 * export default defineSweep({
 *   parameters: { arch: ["x86", "ppc"], vehicle: ["hypercall", "pio", "mmio"], size: [1, 8, 64] },
 *   async cell({ arch, vehicle, size }, context) {
 *     const vm = createVm({ arch });
 *     vm.devices.add({ name: "sink", call: () => 0 });
 *     const sink = await createIo(vm).open("sink", { via: vehicle }).catch(context.infeasible);
 *     const meter = startMeter(vm);
 *     await sink.call(1, new Uint8Array(size));
 *     const { exits, cycles } = meter();
 *     return { exits, cycles: cycles.total };
 *   },
 * });
 * ```
 */
export function defineSweep<const P extends SweepParameters>(
  definition: SweepDefinition<P>,
): SweepDefinition<P> {
  return definition;
}
