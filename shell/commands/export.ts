/** `export`: a run as a file. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { fileNames } from "./support/files.ts";
import { keyword, word } from "./support/grammar.ts";
import { ledgerUnder, namesOfProfiles } from "./support/profiles.ts";
import { writeFile } from "./support/write_file.ts";

export interface ExportData {
  readonly file: string;
  readonly exits: number;
  /** Bytes of the file. */
  readonly bytes: number;
}

/** The lines for those who have written a file and now have it. */
const HINTS: Readonly<Record<string, string>> = {
  ".trace.json": "open it at https://ui.perfetto.dev or chrome://tracing",
  ".html": "open it in any browser; it loads nothing",
};

export const exportRun = defineCommand({
  name: "export",
  aliases: ["exits save"],
  group: "exits",
  summary: "write the run to a file: report, picture, trace or data",
  description:
    `The file's ending says what is written; an existing file is replaced, and equal runs give equal files:

  .html        one report: machine, tables, plots, the searchable ledger
  .svg         a picture of what exits cost and when they were
  .trace.json  a trace for Perfetto or chrome://tracing: vCPUs as tracks
  .json        machine, profile, sums and rows
  .csv         sums; with --rows the recorded rows

under PROFILE prices the exits again first. Every file says where its cycle figures are from.`,
  grammar: object({
    file: word("FILE"),
    under: keyword("under", "PROFILE"),
    rows: optional(option("--rows")),
  }),
  examples: [{ line: "export report.html" }, { line: "export run.trace.json" }, {
    line: "export rows.csv --rows",
  }],
  complete: (_session, typed) => typed.at(-2) === "under" ? namesOfProfiles() : fileNames(typed.at(-1) ?? ""),
  async run(session, { file, under, rows }): Promise<ExportData> {
    const { EXPORT_ENDINGS, exportText } = await import("../reports/export.ts");
    if (rows === true && !/\.csv$/i.test(file)) {
      throw new UserError(
        `--rows is for .csv; ${EXPORT_ENDINGS.join(", ")} are the others, and have the rows`,
      );
    }
    const ledger = await ledgerUnder(session, under);
    const text = exportText(session.vm, file, { ledger, rows: rows === true });
    await writeFile(file, text);
    return { file, exits: session.exits.count, bytes: new TextEncoder().encode(text).length };
  },
  print({ file, exits, bytes }) {
    const hint = Object.entries(HINTS).find(([ending]) => file.toLowerCase().endsWith(ending))?.[1];
    return `${exits} exit${exits === 1 ? "" : "s"} to ${file}, ${bytes} bytes${
      hint === undefined ? "" : `: ${hint}`
    }`;
  },
});
