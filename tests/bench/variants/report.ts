/** The table of the variants. */
import { table } from "../../../mod.ts";
import { range } from "../report.ts";
import type { VariantRow } from "./measure.ts";

/** A variant may be slower than the plain program by this, and no more. */
export const WITHIN = 0.15;

/** Instructions a second: jumps that were added are instructions too. */
export const isWithin = ({ speed }: VariantRow): boolean => speed.median >= 1 - WITHIN;

export function variantsAsLines(rows: readonly VariantRow[]): string[] {
  const right = true;
  const within = rows.filter(isWithin).length;
  return [
    "variants: other registers, addresses and order of blocks, against the plain program in one run",
    ...table<VariantRow>([
      { title: "isa", value: (row) => row.isa },
      { title: "program", value: (row) => row.workload },
      { title: "engine", value: (row) => row.engine },
      { title: "seed", value: (row) => String(row.seed), right },
      {
        title: "instructions",
        value: (row) => `${(row.instructions / row.plainInstructions).toFixed(2)}x`,
        right,
      },
      { title: "instructions/s", value: (row) => `${row.speed.median.toFixed(2)}x`, right },
      { title: "min-max", value: (row) => range(row.speed), right },
      { title: "time a pass", value: (row) => `${row.time.median.toFixed(2)}x`, right },
      { title: `within ${100 * WITHIN}%`, value: (row) => isWithin(row) ? "yes" : "no" },
    ], rows),
    `${within} of ${rows.length} are at most ${100 * WITHIN}% slower an instruction than the plain program.`,
  ];
}
