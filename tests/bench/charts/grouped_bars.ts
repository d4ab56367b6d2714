/** Bars in groups: what each of several candidates comes to on each of several things, on one scale. */
import { element, escapeText } from "../../../shell/reports/markup.ts";
import { axisText, coordinate, scaleTo } from "../../../shell/reports/svg/scale.ts";
import type { Drawing } from "../../../shell/reports/svg/stage_bars.ts";
import { textWidth } from "../../../shell/reports/svg/text_width.ts";
import { seriesClass } from "../../../shell/reports/svg/theme.ts";

export interface Bar {
  /** Which of the candidates. */
  readonly series: number;
  readonly value: number;
  /** The least and the greatest of the runs. */
  readonly min: number;
  readonly max: number;
  /** Behind the bar. */
  readonly text: string;
}

export interface Group {
  readonly name: string;
  readonly bars: readonly Bar[];
}

export interface GroupedBarsOptions {
  readonly width: number;
  /** Names of all candidates: those with a bar are in the legend, each in the same colour in every drawing. */
  readonly series: readonly string[];
  /** Under the axis. */
  readonly unit: string;
  /** A value that is marked by a line through all groups. */
  readonly mark?: number;
}

const MARK = "stroke:var(--text);stroke-width:1.5", RANGE = "stroke:var(--text);stroke-opacity:.55";
const BAR = 11, GAP = 9, TOP = 8, LEGEND = 24;

function legend(series: readonly string[], bars: readonly Bar[]): string {
  let x = 0;
  return series.map((name, i) => {
    if (!bars.some((bar) => bar.series === i)) return "";
    const at = x;
    x += 32 + textWidth(name);
    return element("rect", { x: at, y: 2, width: 12, height: 12, class: seriesClass(i) }) +
      element("text", { x: at + 17, y: 12 }, escapeText(name));
  }).join("");
}

/** Groups below each other, their names on the left; a thin line in each bar is the range of the runs. */
export function groupedBars(
  groups: readonly Group[],
  { width, series, unit, mark }: GroupedBarsOptions,
): Drawing {
  const left = Math.ceil(Math.max(28, ...groups.map(({ name }) => textWidth(name)))) + 12;
  const bars = groups.flatMap((group) => group.bars);
  const right = Math.ceil(Math.max(0, ...bars.map(({ text }) => textWidth(text)))) + 12;
  const room = Math.max(80, width - left - right);
  const scale = scaleTo(
    Math.max(mark ?? 0, ...bars.map(({ max }) => max)),
    Math.max(2, Math.floor(room / 90)),
  );
  const x = (value: number) => left + room * value / scale.end;
  const top = (series.length > 0 ? LEGEND : 0) + TOP;
  const parts: string[] = [];
  let y = top;
  for (const { name, bars } of groups) {
    const middle = y + BAR * bars.length / 2 + 4;
    parts.push(element("text", { x: left - 8, y: middle, "text-anchor": "end" }, escapeText(name)));
    for (const bar of bars) {
      parts.push(drawBar(bar, name, x, y));
      y += BAR;
    }
    y += GAP;
  }
  const bottom = y - GAP;
  const line = (value: number, look: Record<string, string>) => {
    const at = coordinate(x(value));
    return element("line", { x1: at, x2: at, y1: top - 4, y2: bottom + 3, ...look });
  };
  const axis = scale.ticks.map((tick) =>
    line(tick, { class: "grid" }) +
    element(
      "text",
      { x: coordinate(x(tick)), y: bottom + 17, "text-anchor": "middle", class: "faint" },
      axisText(tick),
    )
  );
  const markup = [
    legend(series, bars),
    ...axis,
    ...parts,
    mark === undefined ? "" : line(mark, { style: MARK }),
    element("text", { x: left, y: bottom + 34, class: "faint" }, escapeText(unit)),
  ].join("\n");
  return { markup, height: bottom + 40 };
}

function drawBar(
  { series, value, min, max, text }: Bar,
  name: string,
  x: (value: number) => number,
  y: number,
) {
  const start = x(0), middle = coordinate(y + (BAR - 1) / 2);
  return element(
    "rect",
    {
      x: coordinate(start),
      y,
      width: coordinate(x(value) - start),
      height: BAR - 1,
      class: seriesClass(series),
    },
    `<title>${escapeText(`${name}: ${text}`)}</title>`,
  ) +
    element("line", {
      x1: coordinate(x(min)),
      x2: coordinate(x(max)),
      y1: middle,
      y2: middle,
      style: RANGE,
    }) +
    element(
      "text",
      { x: coordinate(x(Math.max(value, max)) + 6), y: y + BAR - 2, class: "faint", "font-size": 10 },
      escapeText(text),
    );
}
