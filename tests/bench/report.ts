/** The benchmark's tables. */
import { table } from "../../mod.ts";
import type { ExitRow } from "./exits.ts";
import type { IsaName } from "./guests/guest.ts";
import type { InstructionRow } from "./instructions.ts";
import type { StartRow } from "./start_up.ts";
import type { PeerReport } from "./peers/measure.ts";
import { peersAsLines } from "./peers/report.ts";
import type { GrowthRow } from "./growth/measure.ts";
import { growthAsLines } from "./growth/report.ts";
import type { Reached } from "./goals/reach.ts";
import { goalsAsLines } from "./goals/report.ts";
import { noise, type Sample } from "./statistics.ts";
import type { VariantRow } from "./variants/measure.ts";
import { variantsAsLines } from "./variants/report.ts";

export interface Report {
  readonly deno: string;
  readonly v8: string;
  readonly target: string;
  readonly runs: number;
  readonly instructions: readonly InstructionRow[];
  readonly exits: readonly ExitRow[];
  readonly start: readonly StartRow[];
  readonly variants: readonly VariantRow[];
  readonly growth: readonly GrowthRow[];
  /** What `--peers` measured. */
  readonly peers?: PeerReport;
  /** How far that comes towards the goals. */
  readonly goals?: readonly Reached[];
}

/** A number with three significant digits or all of its whole ones. */
export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const median = (sample: Sample) => digits(sample.median);
export const range = (sample: Sample) => `${digits(sample.min)}-${digits(sample.max)}`;
const percent = (sample: Sample) => `${noise(sample).toFixed(0)}%`;
const ratio = (a: Sample, b: Sample) => `${(a.median / b.median).toFixed(2)}x`;

/** The 64-bit ISA and its 32-bit sister. */
const WIDTHS: readonly (readonly [wide: IsaName, narrow: IsaName])[] = [
  ["x86-64", "x86-32"],
  ["ppc64", "ppc32"],
];

interface Pair {
  readonly isa: IsaName;
  readonly name: string;
  readonly interpreter: Sample;
  readonly region: Sample;
}

function engineTable(rows: readonly Pair[], title: string): string[] {
  const right = true;
  return table<Pair>([
    { title: "isa", value: (row) => row.isa },
    { title, value: (row) => row.name },
    { title: "interpreter", value: (row) => median(row.interpreter), right },
    { title: "min-max", value: (row) => range(row.interpreter), right },
    { title: "noise", value: (row) => percent(row.interpreter), right },
    { title: "region", value: (row) => median(row.region), right },
    { title: "min-max", value: (row) => range(row.region), right },
    { title: "noise", value: (row) => percent(row.region), right },
    { title: "region/interp", value: (row) => ratio(row.region, row.interpreter), right },
  ], rows);
}

function widthTable(rows: readonly Pair[], title: string): string[] {
  const pairs = WIDTHS.flatMap(([wide, narrow]) =>
    rows.filter((row) => row.isa === wide).flatMap((row) => {
      const sister = rows.find((other) => other.isa === narrow && other.name === row.name);
      return sister ? [{ wide: row, narrow: sister }] : [];
    })
  );
  const right = true;
  return table([
    { title: "64-bit/32-bit", value: ({ wide, narrow }) => `${wide.isa}/${narrow.isa}` },
    { title, value: ({ wide }) => wide.name },
    { title: "interpreter", value: ({ wide, narrow }) => ratio(wide.interpreter, narrow.interpreter), right },
    { title: "region", value: ({ wide, narrow }) => ratio(wide.region, narrow.region), right },
  ], pairs);
}

export function asText(report: Report): string {
  const { deno, v8, target, runs, instructions, exits, start, variants, growth, peers, goals } = report;
  const sections: string[][] = [];
  const computing = instructions.map((row) => ({ ...row, name: row.workload }));
  const leaving = exits.map((row) => ({ ...row, name: row.kind }));
  if (computing.length > 0) {
    sections.push(["guest instructions a second, millions", ...engineTable(computing, "program")]);
    sections.push(widthTable(computing, "program"));
  }
  if (leaving.length > 0) {
    sections.push([
      "exits a second, millions: device in TypeScript, aggregates on",
      ...engineTable(leaving, "exit"),
    ]);
    sections.push(widthTable(leaving, "exit"));
  }
  if (start.length > 0) {
    const right = true;
    sections.push([
      "start-up, milliseconds",
      ...table<StartRow>([
        { title: "what", value: (row) => row.what },
        { title: "isa", value: (row) => row.isa },
        { title: "median", value: (row) => median(row.milliseconds), right },
        { title: "min-max", value: (row) => range(row.milliseconds), right },
      ], start),
    ]);
  }
  if (variants.length > 0) sections.push(variantsAsLines(variants));
  if (growth.length > 0) sections.push(growthAsLines(growth));
  if (peers) sections.push(peersAsLines(peers));
  if (goals) sections.push(goalsAsLines(goals));
  const about =
    `Deno ${deno}, V8 ${v8}, ${target}; medians of ${runs} alternating runs; noise is (max - min) / ` +
    "median.\nResults, instruction counts and ledger totals were asserted after each timing.";
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n\n${about}\n`;
}
