/** Writes a sweep's table to a file, whole or not at all. */
import { UserError } from "../errors.ts";
import { sweepCsv, sweepJson, type SweepTable } from "./sweep_table.ts";

const FORMATS: readonly { readonly ends: RegExp; readonly text: (table: SweepTable) => string }[] = [
  { ends: /\.csv$/i, text: sweepCsv },
  { ends: /\.json$/i, text: sweepJson },
];

function formatOf(file: string): (table: SweepTable) => string {
  const format = FORMATS.find(({ ends }) => ends.test(file));
  if (format) return format.text;
  throw new UserError(`${file} ends in neither .csv nor .json, so its format is not known`);
}

/** Throws `UserError` for a name that says no format: before the work, not after it. */
export function checkFormat(file: string): void {
  formatOf(file);
}

export async function writeTable(file: string, table: SweepTable): Promise<void> {
  const text = formatOf(file)(table), draft = `${file}.tmp`;
  await Deno.writeTextFile(draft, text);
  await Deno.rename(draft, file);
}
