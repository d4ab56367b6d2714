/** What became of a cell, and the line of a journal that tells it. */
import { stripVTControlCharacters } from "node:util";
import type { CellResult, SweepValue } from "./definition.ts";

/** A cell has its result, or cannot be, or failed. */
export type CellOutcome =
  | {
    readonly kind: "ok";
    readonly result: Readonly<Record<string, SweepValue>>;
    readonly notes: readonly string[];
  }
  | { readonly kind: "infeasible"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: string };

/** What a line of a journal, after the first, says. */
export type Entry =
  | { readonly cell: number; readonly outcome: CellOutcome }
  /** These failed, and are to be done again. */
  | { readonly again: readonly number[] };

/** Longer messages are cut: a journal keeps one for each cell. */
const MESSAGE = 2000;
/** Columns that tables have of themselves. */
export const OWN_COLUMNS = ["outcome", "why"] as const;

/** What a cell answered, checked against what can be kept. Throws `TypeError` that names the column. */
export function checkResult(answer: unknown, parameters: readonly string[]): Record<string, SweepValue> {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw new TypeError(`the cell answered ${describe(answer)}: an object of strings and numbers is wanted`);
  }
  const result: Record<string, SweepValue> = {};
  for (const [name, value] of Object.entries(answer as CellResult)) {
    if (value === undefined) continue;
    if (parameters.includes(name) || OWN_COLUMNS.some((own) => own === name)) {
      throw new TypeError(`the result ${JSON.stringify(name)} has the name of another column`);
    }
    if (typeof value !== "string" && typeof value !== "boolean" && !Number.isFinite(value)) {
      throw new TypeError(
        `the result ${name} is ${describe(value)}: strings, finite numbers and booleans can be kept`,
      );
    }
    // Minus zero would come back from JSON as another number.
    result[name] = value === 0 ? 0 : value;
  }
  return result;
}

function describe(value: unknown): string {
  return typeof value === "bigint"
    ? `the bigint ${value}`
    : Array.isArray(value)
    ? "an array"
    : String(value);
}

/** `TypeError: x is no function`, without a stack: that has paths of the machine in it. */
export function messageOf(thrown: unknown): string {
  const shown = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  // Deno colours some of its own messages.
  const text = stripVTControlCharacters(shown);
  return text.length > MESSAGE ? `${text.slice(0, MESSAGE)}...` : text;
}

/** One line with its line break. */
export function entryLine(entry: Entry): string {
  if ("again" in entry) return `${JSON.stringify(entry)}\n`;
  const { cell, outcome } = entry;
  switch (outcome.kind) {
    case "ok": {
      const { result, notes } = outcome;
      return `${JSON.stringify({ cell, ok: result, ...(notes.length > 0 && { notes }) })}\n`;
    }
    case "infeasible":
      return `${JSON.stringify({ cell, infeasible: outcome.reason })}\n`;
    case "failed":
      return `${JSON.stringify({ cell, failed: outcome.error })}\n`;
  }
}

/** The same back; undefined for what is no such line. */
export function parseEntry(line: string): Entry | undefined {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof data !== "object" || data === null) return undefined;
  if (Array.isArray(data.again) && data.again.every(Number.isInteger)) return { again: data.again };
  const { cell } = data;
  if (typeof cell !== "number" || !Number.isInteger(cell)) return undefined;
  if (typeof data.infeasible === "string") {
    return { cell, outcome: { kind: "infeasible", reason: data.infeasible } };
  }
  if (typeof data.failed === "string") return { cell, outcome: { kind: "failed", error: data.failed } };
  const { ok, notes = [] } = data;
  if (typeof ok !== "object" || ok === null || !Array.isArray(notes)) return undefined;
  return { cell, outcome: { kind: "ok", result: ok as Record<string, SweepValue>, notes } };
}
