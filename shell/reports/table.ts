/**
 * Tables for a terminal: columns two blanks apart, a rule under the head, numbers to the right. No colour and
 * no frame, so that what is copied from a terminal can be pasted into a mail, or cut by awk.
 */

import { greatest } from "./numbers.ts";

/** A column of a table whose lines are made from `Row`s. */
export interface Column<Row> {
  /** Its head. */
  readonly title: string;
  /** What stands in a row's line. */
  readonly value: (row: Row) => string | number | bigint | undefined;
  /** Numbers stand at the right by themselves; this is for text that should too. */
  readonly right?: boolean;
}

/** The lines of a table, without blanks at their ends. An absent value is shown as nothing. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const texts = cells.map((line) => line.map((cell) => cell === undefined ? "" : String(cell)));
  const right = columns.map((column, i) =>
    column.right ??
      (rows.length > 0 && cells.every((line) => line[i] === undefined || typeof line[i] !== "string"))
  );
  const widths = columns.map((column, i) =>
    greatest(texts.map((line) => line[i].length), column.title.length)
  );
  const put = (line: readonly string[]) =>
    line.map((text, i) => right[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])).join("  ").trimEnd();
  return [
    put(columns.map((column) => column.title)),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...texts.map(put),
  ];
}
