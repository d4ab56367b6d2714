/** A sweep's table: as text, CSV and JSON. The same bytes however the cells were come by. */
import { table } from "../reports/table.ts";
import type { CellValues, SweepParameters, SweepValue } from "./definition.ts";
import type { SweepIdentity } from "./identity.ts";
import { type CellOutcome, OWN_COLUMNS } from "./outcome.ts";
import { valuesOf } from "./product.ts";

/** A cell and what became of it. */
export interface SweepCell {
  /** Position in the product of the parameters, from 0. */
  readonly index: number;
  /** Its values of the parameters. */
  readonly values: CellValues;
  /** What became of it. */
  readonly outcome: CellOutcome;
}

/** What is known of a sweep. */
export interface SweepTable {
  /** The module's file name. */
  readonly name: string;
  /** A line to stand above the table. */
  readonly title?: string;
  /** A hash of the parameters, the module, what it imports, and trapsh: equal for equal sweeps. */
  readonly id: string;
  /** The version of trapsh. */
  readonly version: string;
  /** What the cells are the product of. */
  readonly parameters: SweepParameters;
  /** Cells of the product. */
  readonly total: number;
  /** Those that are done, in the order of the product. */
  readonly cells: readonly SweepCell[];
  /** What cells noted, each line once, in the order of the product. */
  readonly notes: readonly string[];
}

export function sweepTable(
  identity: SweepIdentity,
  id: string,
  total: number,
  outcomes: ReadonlyMap<number, CellOutcome>,
): SweepTable {
  const { name, title, version, parameters } = identity;
  const cells = [...outcomes.keys()].sort((a, b) => a - b).map((index) => ({
    index,
    values: valuesOf(parameters, index),
    outcome: outcomes.get(index)!,
  }));
  const notes = new Set(cells.flatMap(({ outcome }) => outcome.kind === "ok" ? outcome.notes : []));
  return {
    name,
    ...(title !== undefined && { title }),
    id,
    version,
    parameters,
    total,
    cells,
    notes: [...notes],
  };
}

/** Names of the results, in the order in which cells first have them. */
function resultNames(cells: readonly SweepCell[]): string[] {
  return [
    ...new Set(cells.flatMap(({ outcome }) => outcome.kind === "ok" ? Object.keys(outcome.result) : [])),
  ];
}

function resultOf({ outcome }: SweepCell, name: string): SweepValue | undefined {
  return outcome.kind === "ok" && Object.hasOwn(outcome.result, name) ? outcome.result[name] : undefined;
}

function whyOf(outcome: CellOutcome): string {
  return outcome.kind === "infeasible" ? outcome.reason : outcome.kind === "failed" ? outcome.error : "";
}

/** By RFC 4180, but for the line breaks, which are as everywhere here: parameters, results, `outcome`, `why`. */
export function sweepCsv({ parameters, cells }: SweepTable): string {
  const names = Object.keys(parameters), results = resultNames(cells);
  const lines = [
    [...names, ...results, ...OWN_COLUMNS],
    ...cells.map((cell) => [
      ...names.map((name) => cell.values[name]),
      ...results.map((name) => resultOf(cell, name) ?? ""),
      cell.outcome.kind,
      whyOf(cell.outcome),
    ]),
  ];
  return lines.map((line) => `${line.map(csvField).join(",")}\n`).join("");
}

function csvField(value: SweepValue): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One cell a line, so that two of them can be compared. */
export function sweepJson({ cells, ...head }: SweepTable): string {
  const lines = cells.map(({ index, values, outcome }) => {
    const { kind, ...rest } = outcome.kind === "ok"
      ? { kind: outcome.kind, result: outcome.result }
      : outcome;
    return `    ${JSON.stringify({ index, values, outcome: kind, ...rest })}`;
  });
  const body = JSON.stringify(head, null, 2).slice(0, -2);
  return `${body},\n  "cells": [${lines.length === 0 ? "" : `\n${lines.join(",\n")}\n  `}]\n}\n`;
}

/** Lines of a table on a terminal: cells with results, then why others have none, each reason once. */
export function sweepLines(sweep: SweepTable, most = Infinity): string[] {
  const { title, parameters, cells, notes } = sweep;
  // A parameter of one value need not stand in each line.
  const [names, fixed] = [true, false].map((several) =>
    Object.keys(parameters).filter((name) => parameters[name].length > 1 === several)
  );
  const head = [
    ...(title === undefined ? [] : [title]),
    fixed.map((name) => `${name}=${parameters[name][0]}`).join(" "),
  ]
    .filter((line) => line !== "");
  const good = cells.filter(({ outcome }) => outcome.kind === "ok");
  const columns = [
    ...names.map((name) => ({ title: name, value: (cell: SweepCell) => plainValue(cell.values[name]) })),
    ...resultNames(cells).map((name) => ({
      title: name,
      value: (cell: SweepCell) => plainValue(resultOf(cell, name)),
    })),
  ];
  const left = good.length > most ? [`... and ${good.length - most} more`] : [];
  const reasons = (["infeasible", "failed"] as const).flatMap((kind) => reasonLines(kind, cells, names));
  return [
    ...(head.length === 0 ? [] : [...head, ""]),
    ...(good.length === 0 || columns.length === 0 ? [] : [...table(columns, good.slice(0, most)), ...left]),
    ...(notes.length === 0 ? [] : ["", ...notes]),
    ...(reasons.length === 0 ? [] : ["", ...reasons]),
  ];
}

function plainValue(value: SweepValue | undefined): string | number | undefined {
  return typeof value === "boolean" ? String(value) : value;
}

/** More reasons than this are not read. */
const MOST_REASONS = 12;

function reasonLines(
  kind: "infeasible" | "failed",
  cells: readonly SweepCell[],
  names: readonly string[],
): string[] {
  const byReason = new Map<string, SweepCell[]>();
  for (const cell of cells) {
    if (cell.outcome.kind !== kind) continue;
    const reason = whyOf(cell.outcome);
    byReason.set(reason, [...byReason.get(reason) ?? [], cell]);
  }
  const lines = [...byReason].map(([reason, same]) =>
    `${kind}, ${same.length} ${same.length === 1 ? "cell" : "cells"} (${placeOf(same, names)}): ${reason}`
  );
  if (lines.length <= MOST_REASONS) return lines;
  return [
    ...lines.slice(0, MOST_REASONS),
    `... and ${lines.length - MOST_REASONS} more reasons why cells are ${kind}`,
  ];
}

/** What some cells have in common, or the first of them. */
function placeOf(cells: readonly SweepCell[], names: readonly string[]): string {
  const common = names.filter((name) => cells.every(({ values }) => values[name] === cells[0].values[name]));
  const shown = common.map((name) => `${name}=${cells[0].values[name]}`);
  if (shown.length > 0) return shown.join(" ");
  return `first ${names.map((name) => `${name}=${cells[0].values[name]}`).join(" ")}`;
}
