/** Colours of pictures and reports, for light and for dark: one set of names, used by classes. */
import type { Stage } from "../../../emulator/exits/stages.ts";

/** A colour on light and on dark ground. */
type Pair = readonly [light: string, dark: string];

/** Text on ground is at 7:1 or more, faint text at 4.5:1 or more (WCAG 2.2, 1.4.6 and 1.4.3). */
const COLOURS: Readonly<Record<string, Pair>> = {
  ground: ["#ffffff", "#14171c"],
  raised: ["#f5f6f8", "#1d2129"],
  text: ["#1b1f26", "#e6e8ec"],
  faint: ["#5a6270", "#a0a8b5"],
  line: ["#d9dde3", "#343b47"],
  accent: ["#0b5cad", "#7ab7ff"],
  mark: ["#fff3bf", "#4a3f10"],
  published: ["#1a7f37", "#56d364"],
  calibrated: ["#0b5cad", "#7ab7ff"],
  assumed: ["#9a5b00", "#e3a94a"],
};

const STAGE_COLOURS: Readonly<Record<Stage, Pair>> = {
  worldSwitch: ["#4c78a8", "#6b9bd1"],
  dispatch: ["#72b7b2", "#7fd1cb"],
  decode: ["#e45756", "#f0716f"],
  userspace: ["#f2b134", "#f2c14e"],
  device: ["#9d755d", "#c09880"],
};

/** Kinds of exits over time, dearest first, `others` last: none is a stage's colour. */
const SERIES_COLOURS: readonly Pair[] = [
  ["#3d5a98", "#8aa7ef"],
  ["#c2571a", "#f0925a"],
  ["#2f8f5b", "#62cf95"],
  ["#8e4fa8", "#cf92ea"],
  ["#b8960c", "#e6c84b"],
  ["#c23b72", "#f07fae"],
  ["#4a8ea3", "#7fc6dc"],
  ["#8a8f98", "#8a8f98"],
];

/** Class of what is drawn in a stage's colour. */
export const stageClass = (stage: Stage): string => `stage-${stage}`;

/** Class of what is drawn in the colour of a kind of exits. */
export const seriesClass = (index: number): string => `series-${Math.min(index, SERIES_COLOURS.length - 1)}`;

function variables(dark: boolean): string {
  const pairs = [
    ...Object.entries(COLOURS),
    ...Object.entries(STAGE_COLOURS).map(([stage, pair]) => [stageClass(stage as Stage), pair] as const),
    ...SERIES_COLOURS.map((pair, i) => [seriesClass(i), pair] as const),
  ];
  return pairs.map(([name, pair]) => `--${name}:${pair[dark ? 1 : 0]}`).join(";");
}

/** The colours as CSS: the reader's system says which; paper is light. */
export function themeCss(): string {
  const classes = [...Object.keys(STAGE_COLOURS).map((stage) => stageClass(stage as Stage))]
    .concat(SERIES_COLOURS.map((_, i) => seriesClass(i)))
    .map((name) => `.${name}{fill:var(--${name})}`);
  return [
    `:root{color-scheme:light dark;${variables(false)}}`,
    `@media screen and (prefers-color-scheme:dark){:root{${variables(true)}}}`,
    ...classes,
    ".plot{font:12px system-ui,sans-serif}",
    ".plot text{fill:var(--text)}",
    ".plot .faint{fill:var(--faint)}",
    ".plot .strong{font-weight:600}",
    ".plot .grid{stroke:var(--line);stroke-width:1}",
    ".plot .hit{fill:transparent}",
    ".plot .hit:hover{fill:var(--text);fill-opacity:.12}",
  ].join("\n");
}
