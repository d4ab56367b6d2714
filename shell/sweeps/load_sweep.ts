/** A sweep out of the module that defines it. */
import { UserError } from "../errors.ts";
import {
  type CellContext,
  type CellResult,
  type CellValues,
  DEFAULT_BUDGET,
  type SweepParameters,
} from "./definition.ts";
import type { SweepInput } from "./identity.ts";
import { checkParameters } from "./product.ts";

/** A sweep as workers have it. */
export interface LoadedSweep {
  readonly title?: string;
  readonly parameters: SweepParameters;
  readonly budget: number;
  readonly cell: (
    values: CellValues,
    context: CellContext,
    input: SweepInput | undefined,
  ) => Promise<CellResult> | CellResult;
}

/**
 * What a module exports: `sweep` or a default export made by `defineSweep`, or `parameters` and a function as default export.
 * Throws `UserError` that says what is missing.
 */
export function sweepOf(module: Readonly<Record<string, unknown>>, where: string): LoadedSweep {
  const { sweep, parameters, title, budget } = module, main = module.default;
  const given = isObject(sweep)
    ? sweep
    : isObject(main)
    ? main
    : typeof main === "function" && parameters !== undefined
    ? { parameters, title, budget, cell: main }
    : undefined;
  if (given === undefined) {
    throw new UserError(
      `${where} defines no sweep: write "export default defineSweep({ parameters: { size: [1, 8] }, cell({ size }) { ... } })"`,
    );
  }
  if (typeof given.cell !== "function") {
    throw new UserError(`${where}: the sweep has no function cell(values, context)`);
  }
  const limit = given.budget ?? DEFAULT_BUDGET;
  if (typeof limit !== "number" || !(limit >= 1)) {
    throw new UserError(`${where}: the budget ${String(limit)} is no number of instructions, 1 or more`);
  }
  return {
    ...(typeof given.title === "string" && { title: given.title }),
    parameters: checkParameters(given.parameters, where),
    budget: limit,
    // As a method of what it came in.
    cell: (values, context, input) =>
      (given.cell as (...args: unknown[]) => CellResult).call(given, values, context, input),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
