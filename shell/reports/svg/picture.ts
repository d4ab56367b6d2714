/** A picture of a run in one SVG file: what an exit costs, what all cost, when they happened, and where figures are from. */
import type { LedgerView } from "../../../emulator/exits/ledger_view.ts";
import { tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { tabulateTimeline, type Timeline } from "../../../emulator/exits/timeline.ts";
import type { Vm } from "../../machine_types.ts";
import { exitTableNotes } from "../exit_table.ts";
import { element, escapeText } from "../markup.ts";
import { factsLine, type RunFacts, runFacts } from "../run_facts.ts";
import { timelineNotes } from "../timeline_lines.ts";
import { wrap } from "../wrap.ts";
import { type Drawing, stageBars } from "./stage_bars.ts";
import { themeCss } from "./theme.ts";
import { timelinePlot } from "./timeline_plot.ts";

/** Units of a picture's width. */
const WIDTH = 760, MARGIN = 20;
/** Characters of a line of notes that fit into it. */
const NOTE = 130;
/** Buckets of a timeline in a picture: columns of some six units. */
export const PLOT_BUCKETS = 120;

/** A drawing with a line over it. */
export interface Section {
  readonly title: string;
  readonly drawing: Drawing;
}

/** An SVG document by itself, light or dark as the reader's system is. */
export function picture(
  title: string,
  facts: RunFacts | undefined,
  sections: readonly Section[],
  notes: readonly string[],
): string {
  const parts: string[] = [];
  const text = (y: number, content: string, style: string, size: number) =>
    parts.push(element("text", { x: MARGIN, y, class: style, "font-size": size }, escapeText(content)));
  let y = 38;
  text(y, title, "strong", 20);
  if (facts !== undefined) {
    for (const line of factsLine(facts)) text(y += 18, line, "faint", 11);
  }
  for (const section of sections) {
    y += 34;
    text(y, section.title, "strong", 15);
    y += 14;
    parts.push(element("g", { transform: `translate(${MARGIN} ${y})` }, section.drawing.markup));
    y += section.drawing.height;
  }
  y += 10;
  for (const line of notes) text(y += 15, line, "faint", 10.5);
  const height = Math.ceil(y + MARGIN), width = WIDTH + 2 * MARGIN;
  const style = `${themeCss()}\n.ground{fill:var(--ground)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" class="plot" role="img">\n<title>${escapeText(title)}</title>\n` +
    `<style>${style}</style>\n<rect class="ground" width="${width}" height="${height}"/>\n` +
    `${parts.join("\n")}\n</svg>\n`;
}

/** The exits of a machine, or the same priced again, as an SVG document. */
export function exitsSvg(vm: Vm, ledger: LedgerView = vm.exits): string {
  const table = tabulateExits(ledger);
  const timeline = tabulateTimeline(ledger, { buckets: PLOT_BUCKETS });
  const sections = [
    { title: "What an exit costs", drawing: stageBars(table, { of: "mean", width: WIDTH }) },
    { title: "Where the cycles went", drawing: stageBars(table, { of: "sum", width: WIDTH }) },
    { title: "When the guest was left", drawing: timelinePlot(timeline, WIDTH) },
  ];
  return picture("Exits of a guest", runFacts(vm, ledger), sections, exitTableNotes(table, { width: NOTE }));
}

/** A timeline alone as an SVG document. */
export function timelineSvg(timeline: Timeline): string {
  const drawing = timelinePlot(timeline, WIDTH);
  return picture(
    "Exits over virtual time",
    undefined,
    [{ title: `by ${timeline.by}`, drawing }],
    timelineNotes(timeline).flatMap((line) => wrap(line, NOTE)),
  );
}
