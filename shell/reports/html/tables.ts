/** Tables of a report as HTML. */
import type { ExitTable, ExitTableRow } from "../../../emulator/exits/tabulate.ts";
import { STAGES } from "../../../emulator/exits/stages.ts";
import { STAGE_NAMES } from "../../commands/support/measure.ts";
import { element, escapeText } from "../markup.ts";
import { greatest, grouped, percent } from "../numbers.ts";
import { coordinate } from "../svg/scale.ts";
import { stageClass } from "../svg/theme.ts";

/** A cell: text, or markup that was made of escaped text. */
export type HtmlCell = string | number | { readonly markup: string };

/** A column of an HTML table. */
export interface HtmlColumn<Row> {
  /** Its head. */
  readonly title: string;
  /** What stands in a row's line. */
  readonly value: (row: Row) => HtmlCell | undefined;
  /** Numbers stand at the right by themselves; this is for text that should too. */
  readonly right?: boolean;
  /** Classes of its cells. */
  readonly style?: string;
}

/** A table that scrolls sideways by itself where it is wider than the page. */
export function htmlTable<Row>(
  columns: readonly HtmlColumn<Row>[],
  rows: readonly Row[],
  foot: readonly Row[] = [],
): string {
  const atRight = columns.map(({ right, value }) =>
    right ?? (rows.length > 0 && rows.every((row) => typeof value(row) === "number"))
  );
  const styles = columns.map(({ style = "" }, i) =>
    `${atRight[i] ? "right " : ""}${style}`.trim() || undefined
  );
  const head = columns.map(({ title }, i) =>
    element("th", { scope: "col", class: styles[i] }, escapeText(title))
  );
  const line = (row: Row) =>
    `<tr>${
      columns.map(({ value }, i) => element("td", { class: styles[i] }, cell(value(row)))).join("")
    }</tr>`;
  const body = `<tbody>\n${rows.map(line).join("\n")}\n</tbody>`;
  const last = foot.length === 0 ? "" : `<tfoot>${foot.map(line).join("")}</tfoot>`;
  return `<div class="wide"><table><thead><tr>${head.join("")}</tr></thead>${body}${last}</table></div>`;
}

function cell(value: HtmlCell | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "object") return value.markup;
  return escapeText(typeof value === "number" ? grouped(value) : value);
}

/** Facts, one to a line. */
export function factList(facts: readonly (readonly [string, HtmlCell])[]): string {
  return `<dl>${
    facts.map(([name, value]) => `<div><dt>${escapeText(name)}</dt><dd>${cell(value)}</dd></div>`).join("")
  }</dl>`;
}

/** `calibrated` in the colour of its kind. */
export function provenanceBadge(text: string): HtmlCell {
  const kind = text.split(" ")[0];
  return { markup: element("span", { class: `badge ${kind}` }, escapeText(text)) };
}

/** Lines of a table that a report holds: a guest chooses keys, and may choose very many. */
export const MOST_LINES = 500;

const HEADS: Readonly<Record<ExitTable["by"], string>> = {
  exit: "Exit",
  reason: "Reason",
  port: "Port",
  gpa: "Guest-physical address",
  hypercall: "Hypercall",
  leaf: "CPUID leaf",
  msr: "MSR",
  vector: "Vector",
  spr: "SPR",
  pc: "Guest pc",
};

/** A table of exits with a bar of stages in each line, the longest of them the whole width. */
export function exitHtmlTable(data: ExitTable): string {
  const right = true;
  const all = [...data.rows, data.total];
  const cycles = (valueOf: (row: ExitTableRow) => number | null) => {
    const digits = all.every((row) => Number.isInteger(valueOf(row) ?? 0)) ? 0 : 2;
    return (row: ExitTableRow) => {
      const value = valueOf(row);
      return value === null ? "?" : grouped2(value, digits);
    };
  };
  const most = greatest(data.rows.map(({ average }) => average));
  const columns: HtmlColumn<ExitTableRow>[] = [
    { title: HEADS[data.by], value: ({ name }) => name, style: "name" },
    { title: "Exits", right, value: ({ samples }) => samples },
    { title: "Exits %", right, value: ({ samplesShare }) => percent(samplesShare) },
    { title: "Cycles", right, value: (row) => row.cycles.total },
    { title: "Cycles %", right, value: ({ timeShare }) => percent(timeShare) },
    { title: "Min", right, value: cycles(({ min }) => min) },
    { title: "Max", right, value: cycles(({ max }) => max) },
    { title: "Mean", right, value: cycles(({ average }) => average) },
    {
      title: "Stages of the mean",
      style: "bars",
      value: (row) => row === data.total ? "" : stageBar(row, most),
    },
  ];
  if (data.total.accesses !== data.total.samples) {
    columns.splice(2, 0, { title: "Accesses", right, value: ({ accesses }) => accesses });
  }
  const rows = data.rows.slice(0, MOST_LINES), rest = data.rows.length - rows.length;
  const more = rest > 0 ? `<p class="note">${grouped(rest)} cheaper lines are not shown</p>` : "";
  return htmlTable(columns, rows, [data.total]) + more;
}

/** With its decimals in all lines of a column or in none. */
function grouped2(value: number, digits: number): string {
  const [whole, fraction] = value.toFixed(digits).split(".");
  return fraction === undefined ? grouped(Number(whole)) : `${grouped(Number(whole))}.${fraction}`;
}

function stageBar({ averageStages, name }: ExitTableRow, most: number): HtmlCell {
  if (most === 0) return "";
  let x = 0;
  const said = STAGES.filter((stage) => averageStages[stage] > 0)
    .map((stage) => `${STAGE_NAMES[stage]} ${grouped2(averageStages[stage], 2)}`);
  const parts = STAGES.map((stage) => {
    const width = 100 * averageStages[stage] / most, at = x;
    x += width;
    if (width === 0) return "";
    return element("rect", {
      x: coordinate(at),
      width: coordinate(width),
      height: 10,
      class: stageClass(stage),
    });
  });
  const title = `<title>${escapeText(`${name}: ${said.join(", ")}`)}</title>`;
  const box = { class: "stages", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img" };
  return { markup: element("svg", box, title + parts.join("")) };
}
