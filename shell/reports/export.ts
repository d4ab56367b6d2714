/** A run as a file: what each ending means. */
import type { LedgerView } from "../../emulator/exits/ledger_view.ts";
import { aggregatesCsv, rowsCsv, snapshot } from "../../emulator/exits/snapshot.ts";
import type { Vm } from "../machine_types.ts";
import { reportHtml } from "./html/report.ts";
import { runFacts } from "./run_facts.ts";
import { exitsSvg } from "./svg/picture.ts";
import { exitsTrace } from "./trace_json.ts";

/** What an export is of. */
export interface ExportOptions {
  /** CSV: a line for each recorded row, not for each sum. */
  readonly rows?: boolean;
  /** The exits priced again, by `vm.exits.reprice(profile)`; as they were charged if not given. */
  readonly ledger?: LedgerView;
}

/** The longer ones first: `.trace.json` is no plain `.json`. */
const FORMATS:
  readonly (readonly [ending: string, write: (vm: Vm, options: Required<ExportOptions>) => string])[] = [
    [".trace.json", (vm, { ledger }) => exitsTrace(vm, ledger)],
    [".json", (vm, { ledger }) => exitsJson(vm, ledger)],
    [".csv", (_vm, { ledger, rows }) => rows ? rowsCsv(ledger) : aggregatesCsv(ledger)],
    [".html", (vm, { ledger }) => reportHtml(vm, { ledger })],
    [".svg", (vm, { ledger }) => exitsSvg(vm, ledger)],
  ];

/** The endings that `exportText` knows. */
export const EXPORT_ENDINGS: readonly string[] = FORMATS.map(([ending]) => ending);

/**
 * What belongs into a file of this name, by its ending: `.csv` sums (or rows), `.json` run, sums and rows, `.trace.json` a
 * trace for Perfetto or Chrome, `.html` the report, `.svg` a picture. Equal runs give equal text. Throws `RangeError` for
 * another ending, or a trace of exits none of which has a row.
 */
export function exportText(vm: Vm, file: string, options: ExportOptions = {}): string {
  const found = FORMATS.find(([ending]) => file.toLowerCase().endsWith(ending));
  if (found === undefined) {
    throw new RangeError(`${file} ends in none of ${EXPORT_ENDINGS.join(", ")}, so its format is not known`);
  }
  return found[1](vm, { ledger: options.ledger ?? vm.exits, rows: options.rows ?? false });
}

/** Run, profile, sums and rows as JSON: figures, sums and rows one to a line, the rest indented. */
export function exitsJson(vm: Vm, ledger: LedgerView = vm.exits): string {
  const data = { run: runFacts(vm, ledger), ...snapshot(ledger) };
  const parts = Object.entries(data).map(([name, value]) => {
    const lines = Array.isArray(value) && value.length > 0
      ? `[\n${value.map((one) => `    ${JSON.stringify(one)}`).join(",\n")}\n  ]`
      : JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
    return `  ${JSON.stringify(name)}: ${lines}`;
  });
  return `{\n${parts.join(",\n")}\n}\n`;
}
