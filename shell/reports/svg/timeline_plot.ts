/** Exits over virtual time, twice: how many began, and what share of the time they took. */
import type { Timeline } from "../../../emulator/exits/timeline.ts";
import { element, escapeText } from "../markup.ts";
import { grouped, percent, timeText } from "../numbers.ts";
import { axisText, coordinate, type Scale, scaleTo } from "./scale.ts";
import type { Drawing } from "./stage_bars.ts";
import { textWidth } from "./text_width.ts";
import { seriesClass } from "./theme.ts";

const LEFT = 56, PANEL = 110, GAP = 30;

/** A panel: what stands on its axis, and the value of one kind in one bucket. */
interface Panel {
  readonly title: string;
  readonly scale: Scale;
  readonly text: (tick: number) => string;
  readonly value: (bucket: number, series: number) => number;
}

/** Both panels over one axis of time, `width` units wide (720 if not given). */
export function timelinePlot(data: Timeline, width = 720): Drawing {
  const { buckets, series, vcpus, from, to, clock: { hz } } = data;
  if (buckets.length === 0 || series.length === 0) {
    return { markup: element("text", { x: 0, y: 16, class: "faint" }, "no recorded exits"), height: 24 };
  }
  const { markup: legend, bottom } = legendOf(data, width);
  const room = width - LEFT - 12;
  const x = (cycle: number) => LEFT + room * (cycle - from) / (to - from);
  const panels: Panel[] = [
    {
      title: "exits begun",
      scale: scaleTo(Math.max(...buckets.map(({ samples }) => samples)), 4, true),
      text: axisText,
      value: (bucket, i) => buckets[bucket].series[i].samples,
    },
    {
      title: "time in exits",
      scale: { end: 1, ticks: [0, 0.25, 0.5, 0.75, 1] },
      text: (tick) => `${100 * tick}%`,
      value: (bucket, i) => {
        const { from, to, series } = buckets[bucket];
        return series[i].cycles / ((to - from) * Math.max(1, vcpus));
      },
    },
  ];
  const parts = [legend];
  const top = bottom + 34;
  let y = top;
  for (const panel of panels) {
    parts.push(drawPanel(panel, data, y, x, width));
    y += PANEL + GAP;
  }
  const base = y - GAP;
  const time = scaleTo((to - from) / hz * 1e9, Math.max(2, Math.floor(room / 100)));
  for (const tick of time.ticks.filter((tick) => tick <= (to - from) / hz * 1e9)) {
    const cycles = tick * hz / 1e9, at = coordinate(x(from + cycles));
    parts.push(element("line", { x1: at, x2: at, y1: base, y2: base + 4, class: "grid" }));
    const text = timeText(cycles, hz), inside = x(from + cycles) + textWidth(text) / 2 < width;
    const anchor = inside ? "middle" : "end";
    parts.push(element("text", { x: at, y: base + 18, "text-anchor": anchor, class: "faint" }, text));
  }
  const foot = `virtual time from cycle ${grouped(from)} to ${grouped(to)}, in buckets of ` +
    `${grouped(data.bucketCycles)} cycles (${timeText(data.bucketCycles, hz)})`;
  parts.push(element("text", { x: LEFT, y: base + 36, class: "faint" }, escapeText(foot)));
  // Over everything, so that a pointer on a column tells what is in it.
  const height = base - top;
  parts.push(...buckets.map((_, i) => hit(data, i, x, top, height)));
  return { markup: parts.join("\n"), height: base + 43 };
}

/** Kinds with their colours, in as many lines as it takes. */
function legendOf({ series }: Timeline, width: number): { markup: string; bottom: number } {
  let x = 0, y = 12;
  const parts = series.map(({ name, samples }, i) => {
    const short = name.length > 40 ? `${name.slice(0, 38)}...` : name;
    const text = `${short} (${grouped(samples)})`, length = 32 + textWidth(text);
    if (x > 0 && x + length > width) {
      x = 0;
      y += 20;
    }
    const at = x;
    x += length;
    return element("rect", { x: at, y: y - 10, width: 12, height: 12, class: seriesClass(i) }) +
      element("text", { x: at + 17, y }, escapeText(text));
  });
  return { markup: parts.join(""), bottom: y };
}

/** Stacked columns: one path for each kind, so that many buckets stay a small picture. */
function drawPanel(
  { title, scale, text, value }: Panel,
  { buckets, series }: Timeline,
  top: number,
  x: (cycle: number) => number,
  width: number,
): string {
  const y = (value: number) => top + PANEL * (1 - Math.min(1, value / scale.end));
  const parts = scale.ticks.map((tick) => {
    const at = coordinate(y(tick));
    return element("line", { x1: LEFT, x2: width - 12, y1: at, y2: at, class: "grid" }) +
      element(
        "text",
        { x: LEFT - 6, y: coordinate(y(tick) + 4), "text-anchor": "end", class: "faint" },
        text(tick),
      );
  });
  const sums = buckets.map(() => 0);
  series.forEach((_, i) => {
    const path = buckets.map((bucket, b) => {
      const part = value(b, i);
      if (part === 0) return "";
      const low = y(sums[b]);
      sums[b] += part;
      const left = x(bucket.from), right = x(bucket.to), high = y(sums[b]);
      return `M${coordinate(left)} ${coordinate(low)}H${coordinate(right)}V${coordinate(high)}H${
        coordinate(left)
      }Z`;
    }).join("");
    if (path !== "") parts.push(element("path", { d: path, class: seriesClass(i) }));
  });
  parts.push(element("text", { x: LEFT, y: top - 6, class: "strong" }, escapeText(title)));
  return parts.join("\n");
}

function hit(data: Timeline, index: number, x: (cycle: number) => number, y: number, height: number): string {
  const { series, vcpus, clock: { hz } } = data, bucket = data.buckets[index];
  const share = bucket.cycles / ((bucket.to - bucket.from) * Math.max(1, vcpus));
  const kinds = series.flatMap(({ name }, i) => {
    const { samples } = bucket.series[i];
    return samples === 0 ? [] : [`${name}: ${grouped(samples)}`];
  });
  const at = `${grouped(bucket.from)} to ${grouped(bucket.to)} (${timeText(bucket.from - data.from, hz)} on)`;
  const lines = [
    at,
    `${grouped(bucket.samples)} exit${bucket.samples === 1 ? "" : "s"} begun, ${
      percent(share)
    } of the time in exits`,
    ...kinds,
  ];
  // Each line by itself: within one, a line feed would be shown as what it is.
  const title = lines.map(escapeText).join("\n");
  const box = { x: coordinate(x(bucket.from)), y, width: coordinate(x(bucket.to) - x(bucket.from)), height };
  return element("rect", { ...box, class: "hit" }, `<title>${title}</title>`);
}
