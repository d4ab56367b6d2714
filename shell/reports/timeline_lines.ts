/** Exits over virtual time as text: a strip for each kind, and a line with a bar for each bucket. */
import type { Timeline, TimelineBucket } from "../../emulator/exits/timeline.ts";
import { bar, type Glyphs, strip } from "./bars.ts";
import { originText } from "./exit_table.ts";
import { greatest, grouped, percent, timeText } from "./numbers.ts";
import { type Column, table } from "./table.ts";
import { wrap } from "./wrap.ts";

/** How a timeline is written. */
export interface TimelineText {
  /** Columns of the terminal; 100 if not given. */
  readonly width?: number;
  /** What bars are drawn with; `blocks` if not given. */
  readonly glyphs?: Glyphs;
}

/** Columns that a kind's name takes in a strip's line at most. */
const NAME = 28;
const LEAST_BAR = 8, MOST_BAR = 40;

/** The lines of a timeline, without colour and without line ends. */
export function timelineLines(data: Timeline, options: TimelineText = {}): string[] {
  const { width = 100, glyphs = "blocks" } = options;
  const { from, to, bucketCycles, buckets, clock: { hz }, exits, notShown, by } = data;
  const shown = exits - notShown;
  if (buckets.length === 0 || data.series.length === 0) {
    const none = exits === 0 ? "no exits" : `no recorded exits of this kind or time among ${exits}`;
    return [none, ...data.notes];
  }
  const time = (cycles: number) => timeText(cycles, hz);
  const of = notShown > 0 ? ` of ${grouped(exits)}` : "";
  const head = `${grouped(shown)}${of} exit${shown === 1 && of === "" ? "" : "s"} by ${by}, cycles ` +
    `${grouped(from)} to ${grouped(to)} (${time(to - from)}), ${buckets.length} buckets of ` +
    `${grouped(bucketCycles)} cycles (${time(bucketCycles)})`;
  return [
    ...wrap(head, width),
    "",
    ...strips(data, glyphs),
    "",
    ...bucketTable(data, width, glyphs),
    "",
    ...timelineNotes(data).flatMap((line) => wrap(line, width)),
  ];
}

/** One line for each kind: its exits over time, all on one scale. */
function strips({ series, buckets }: Timeline, glyphs: Glyphs): string[] {
  const most = greatest(buckets.flatMap((bucket) => bucket.series.map(({ samples }) => samples)));
  const name = (text: string) => text.length > NAME ? `${text.slice(0, NAME - 3)}...` : text;
  const names = Math.max(...series.map((one) => name(one.name).length));
  return series.map((one, i) => {
    const shares = buckets.map((bucket) => most === 0 ? 0 : bucket.series[i].samples / most);
    return `${name(one.name).padEnd(names)}  |${strip(shares, glyphs)}| ${grouped(one.samples)}`;
  });
}

/** Where each bucket begins, its exits, and the share of it that was spent in exits. */
function bucketTable(data: Timeline, width: number, glyphs: Glyphs): string[] {
  const { buckets, clock: { hz }, vcpus, from } = data;
  const share = (bucket: TimelineBucket) => bucket.cycles / ((bucket.to - bucket.from) * Math.max(1, vcpus));
  const right = true;
  const columns: Column<TimelineBucket>[] = [
    { title: "At", right, value: (bucket) => grouped(bucket.from) },
    { title: "After", right, value: (bucket) => timeText(bucket.from - from, hz) },
    { title: "Exits", right, value: (bucket) => grouped(bucket.samples) },
    { title: "Cycles", right, value: (bucket) => grouped(bucket.cycles) },
    { title: "In exits", right, value: (bucket) => percent(share(bucket)) },
  ];
  const [head, rule, ...rest] = table(columns, buckets);
  const longest = rule.length + 2;
  const columnsLeft = Math.min(width - longest, MOST_BAR);
  if (columnsLeft < LEAST_BAR) return [head, rule, ...rest];
  return [
    head,
    `${rule}  ${"-".repeat(columnsLeft)}`,
    ...rest.map((line, i) =>
      `${line.padEnd(longest)}${bar(share(buckets[i]), columnsLeft, glyphs)}`.trimEnd()
    ),
  ];
}

/** What stands under a timeline, however it is shown: what a bucket is, and where the figures are from. */
export function timelineNotes(data: Timeline): string[] {
  const { clock, profile, provenance, vcpus, notes } = data;
  const side = vcpus > 1 ? `; the clocks of ${vcpus} vCPUs run side by side` : "";
  return [
    `an exit counts where it began, its cycles fall where they were spent${side}`,
    `time at ${clock.hz / 1e6} MHz (${clock.provenance})`,
    `profile ${profile.name}: ${profile.title}`,
    `source: ${profile.source}`,
    `figures: ${originText(provenance, false)}`,
    ...notes,
  ];
}
