/** Exits of each kind as a bar of stages. */
import type { ExitTable, ExitTableRow } from "../../../emulator/exits/tabulate.ts";
import { STAGES } from "../../../emulator/exits/stages.ts";
import { STAGE_NAMES } from "../../commands/support/measure.ts";
import { element, escapeText } from "../markup.ts";
import { grouped } from "../numbers.ts";
import { axisText, coordinate, scaleTo } from "./scale.ts";
import { textWidth } from "./text_width.ts";
import { stageClass } from "./theme.ts";

/** A piece of a picture, and how high it is. */
export interface Drawing {
  /** Elements, to stand within an `svg` element of class `plot`. */
  readonly markup: string;
  /** Units of the picture. */
  readonly height: number;
}

/** How stage bars are drawn. */
export interface StageBarsOptions {
  /** Units of the picture; 720 if not given. */
  readonly width?: number;
  /** `mean`: cycles of one exit, the mean; `sum`: of all exits of a kind. */
  readonly of: "mean" | "sum";
  /** Kinds that are drawn at most, the dearest; 24 if not given. */
  readonly most?: number;
}

const LINE = 24, BAR = 16, TOP = 26;

/** The legend of the stages, in one line. */
export function stageLegend(y: number): string {
  let x = 0;
  return STAGES.map((stage) => {
    const at = x;
    x += 32 + textWidth(STAGE_NAMES[stage]);
    return element("rect", { x: at, y: y - 10, width: 12, height: 12, class: stageClass(stage) }) +
      element("text", { x: at + 17, y }, escapeText(STAGE_NAMES[stage]));
  }).join("");
}

/** The lines of a table as bars, dearest first, on one scale. */
export function stageBars(data: ExitTable, { width = 720, of, most = 24 }: StageBarsOptions): Drawing {
  const stagesOf = (row: ExitTableRow) => of === "mean" ? row.averageStages : row.cycles;
  const rows = data.rows.slice(0, most);
  const name = (text: string) => text.length > 30 ? `${text.slice(0, 28)}...` : text;
  const left = Math.ceil(Math.max(28, ...rows.map((row) => textWidth(name(row.name))))) + 12;
  const figure = (row: ExitTableRow) => {
    const cycles = grouped(Math.round(stagesOf(row).total * 100) / 100);
    return of === "mean" ? `${cycles} x ${grouped(row.samples)}` : cycles;
  };
  const right = Math.ceil(Math.max(0, ...rows.map((row) => textWidth(figure(row))))) + 12;
  const room = Math.max(80, width - left - right);
  const scale = scaleTo(
    Math.max(...rows.map((row) => stagesOf(row).total)),
    Math.max(2, Math.floor(room / 110)),
  );
  const x = (cycles: number) => left + room * cycles / scale.end;
  const bottom = TOP + LINE * rows.length;
  const grid = scale.ticks.map((tick) => {
    const at = coordinate(x(tick));
    return element("line", { x1: at, x2: at, y1: TOP - 4, y2: bottom + 2, class: "grid" }) +
      element("text", { x: at, y: bottom + 17, "text-anchor": "middle", class: "faint" }, axisText(tick));
  });
  const bars = rows.map((row, i) => {
    const y = TOP + LINE * i + (LINE - BAR) / 2, stages = stagesOf(row);
    let from = 0;
    const parts = STAGES.filter((stage) => stages[stage] > 0).map((stage) => {
      const start = x(from);
      from += stages[stage];
      const box = { x: coordinate(start), y, width: coordinate(x(from) - start), height: BAR };
      const said = `${row.name}: ${STAGE_NAMES[stage]} ${
        grouped(Math.round(stages[stage] * 100) / 100)
      } cycles`;
      return element("rect", { ...box, class: stageClass(stage) }, `<title>${escapeText(said)}</title>`);
    });
    const middle = y + BAR - 4;
    return element("text", { x: left - 8, y: middle, "text-anchor": "end" }, escapeText(name(row.name))) +
      parts.join("") +
      element(
        "text",
        { x: coordinate(x(stages.total) + 6), y: middle, class: "faint" },
        escapeText(figure(row)),
      );
  });
  const rest = data.rows.length - rows.length;
  const unit = of === "mean" ? "cycles of one exit (mean) x exits" : "cycles of all exits";
  const foot = rest > 0 ? `${unit}; ${rest} more not drawn` : unit;
  const markup = stageLegend(12) + grid.join("") + bars.join("\n") +
    element("text", { x: left, y: bottom + 35, class: "faint" }, escapeText(foot));
  return { markup, height: bottom + 42 };
}
