/** An exit table as text, in the columns of `perf kvm stat`, with the split by stage and the figures' origin. */
import type { StageProvenance } from "../../emulator/exits/provenance.ts";
import { type PricedStage, STAGES } from "../../emulator/exits/stages.ts";
import { STAGE_NAMES } from "../commands/support/measure.ts";
import type { ExitTable, ExitTableBy, ExitTableRow } from "../../emulator/exits/tabulate.ts";
import { bar, type Glyphs, stageBar, stageGlyph } from "./bars.ts";
import { greatest } from "./numbers.ts";
import { type Column, table } from "./table.ts";
import { wrap } from "./wrap.ts";

/** How a table of exits is written. */
export interface ExitTableText {
  /** Columns of the terminal; if the table is wider, the stages get a table of their own. 100 if not given. */
  readonly width?: number;
  /** `cycles` if not given; `us` at the profile's frequency, which is often an assumption. */
  readonly unit?: "cycles" | "us";
  /** Bars of the shares of time and of the stages, where `width` leaves room for them; none if not given. */
  readonly bars?: Glyphs;
  /** What the column of means is called; perf's `Avg` if not given. */
  readonly mean?: string;
}

const HEADS: Readonly<Record<ExitTableBy, string>> = {
  exit: "VM-EXIT",
  reason: "Reason",
  port: "IO Port Access",
  gpa: "MMIO Access",
  hypercall: "Hypercall",
  leaf: "CPUID Leaf",
  msr: "MSR",
  vector: "Vector",
  spr: "SPR",
  pc: "Guest PC",
};

const STAGE_HEADS: Readonly<Record<(typeof STAGES)[number], string>> = {
  worldSwitch: "World",
  dispatch: "Dispatch",
  decode: "Decode",
  userspace: "Userspace",
  device: "Device",
};

/** The lines of an exit table, without colour and without a line end. */
export function exitTableLines(data: ExitTable, options: ExitTableText = {}): string[] {
  const { width = 100, unit = "cycles" } = options;
  if (data.total.samples === 0) {
    const what = data.exits === 0 ? "no exits" : `no exits of this kind among ${data.exits}`;
    return [what, ...data.notes];
  }
  const rows = [...data.rows, data.total];
  const right = true;
  const share = (part: number) => `${(part * 100).toFixed(2)}%`;
  // A column has decimals in all of its lines or in none, so that the points stand below each other.
  const cycles = (title: string, valueOf: (row: ExitTableRow) => number | null): Column<ExitTableRow> => {
    const digits = unit === "cycles" && rows.every((row) => Number.isInteger(valueOf(row) ?? 0)) ? 0 : 2;
    const scale = unit === "us" ? 1e6 / data.clock.hz : 1;
    const suffix = unit === "us" ? "us" : "";
    const text = (value: number | null) => value === null ? "?" : (value * scale).toFixed(digits) + suffix;
    return { title, right, value: (row) => text(valueOf(row)) };
  };
  const name: Column<ExitTableRow> = { title: HEADS[data.by], value: (row) => row.name };
  const main: Column<ExitTableRow>[] = [
    { title: "Samples", right, value: (row) => row.samples },
    { title: "Samples%", right, value: (row) => share(row.samplesShare) },
    { title: "Time%", right, value: (row) => share(row.timeShare) },
    cycles("Min", (row) => row.min),
    cycles("Max", (row) => row.max),
    cycles("Avg", (row) => row.average),
  ];
  if (data.total.accesses !== data.total.samples) {
    main.push({ title: "Accesses", right, value: (row) => row.accesses });
  }
  main.push({ title: "Returns", right, value: (row) => row.returns });
  const stages = STAGES.map((stage) => cycles(STAGE_HEADS[stage], (row) => row.averageStages[stage]));

  const whole = table([name, ...main, ...stages], rows);
  // Stages that are drawn below say more than stages beside a table that has no room for bars.
  const fits = greatest(whole.map((line) => line.length)) + (options.bars ? LEAST_BAR + 2 : 0) <= width;
  const body = fits ? withBars(whole, data, timeBars(options), width) : [
    ...withBars(table([name, ...main], rows), data, timeBars(options), width),
    "",
    ...withBars(table([name, ...stages], rows), data, stageBars(data, options), width),
  ];
  return [...body, "", ...exitTableNotes(data, options)];
}

/** Columns that a bar takes at least and at most: shorter ones say nothing, longer ones nothing more. */
const LEAST_BAR = 8, MOST_BAR = 40;

/** A head and, for each line of a table but the total, a bar of at most so many columns. */
interface Bars {
  readonly title: string;
  /** Columns of the longest bar; 0 where there is no room. `left` are those beside the table. */
  readonly width: (left: number) => number;
  readonly draw: (row: ExitTableRow, width: number) => string;
}

function timeBars({ bars }: ExitTableText): Bars | undefined {
  if (bars === undefined) return undefined;
  return {
    title: "Time",
    width: (left) => Math.min(left, MOST_BAR),
    draw: ({ timeShare }, columns) => bar(timeShare, columns, bars),
  };
}

function stageBars(data: ExitTable, { bars }: ExitTableText): Bars | undefined {
  if (bars === undefined) return undefined;
  const most = greatest(data.rows.map(({ average }) => average));
  const title = STAGES.map((stage) => `${stageGlyph(stage, bars)}${STAGE_HEADS[stage].toLowerCase()}`).join(
    " ",
  );
  return {
    title,
    // The head tells what the parts of the bar are, so it has to fit as well.
    width: (left) => left < title.length ? 0 : Math.min(left, Math.max(MOST_BAR, title.length)),
    draw: ({ averageStages }, columns) => stageBar(averageStages, most, columns, bars),
  };
}

/** The table with bars at its right, or as it is where there is no room. */
function withBars(
  lines: readonly string[],
  { rows }: ExitTable,
  bars: Bars | undefined,
  columns: number,
): readonly string[] {
  if (bars === undefined) return lines;
  const longest = greatest(lines.map((line) => line.length)) + 2;
  const width = bars.width(columns - longest);
  if (width < LEAST_BAR) return lines;
  const at = (line: string, text: string) => text === "" ? line : line.padEnd(longest) + text;
  const [head, rule, ...rest] = lines;
  return [
    at(head, bars.title),
    at(rule, "-".repeat(Math.max(width, bars.title.length))),
    ...rest.map((line, i) => rows[i] === undefined ? line : at(line, bars.draw(rows[i], width))),
  ];
}

/** `world switch calibrated; dispatch calibrated and assumed`: where the figures behind cycles are from. */
export function originText(provenance: StageProvenance, device: boolean): string {
  const origins = Object.entries(provenance).map(([stage, kinds]) =>
    `${STAGE_NAMES[stage as PricedStage]} ${kinds.join(" and ")}`
  );
  if (device) origins.push("device as the devices charge");
  return origins.length === 0 ? "none that cost anything" : origins.join("; ");
}

/** What stands under a table: the total, the unit, the profile and where its figures are from. */
export function exitTableNotes(data: ExitTable, options: ExitTableText = {}): string[] {
  const { width = 100, unit = "cycles", mean = "Avg" } = options;
  const { total, profile, clock } = data;
  const others = data.notShown > 0 && data.by !== "pc" ? ` of ${data.exits}` : "";
  const time = unit === "us" ? `, at ${clock.hz / 1e6} MHz (${clock.provenance})` : "";
  return [
    `${total.samples}${others} exit${
      total.samples === 1 && others === "" ? "" : "s"
    }, ${total.cycles.total} cycles; stages and ${mean} are means of one exit in ${unit}${time}`,
    `profile ${profile.name}: ${profile.title}`,
    `source: ${profile.source}`,
    `figures: ${originText(data.provenance, total.cycles.device > 0)}`,
    ...data.notes,
  ].flatMap((line) => wrap(line, width));
}

/** The table as JSON text, indented, with the keys in a fixed order. */
export function exitTableJson(data: ExitTable): string {
  return JSON.stringify(data, null, 2);
}
