/** The benchmark's figures in one SVG file: the goals, then every system's guests. */
import { picture, type Section } from "../../../shell/reports/svg/picture.ts";
import { wrap } from "../../../shell/reports/wrap.ts";
import { figure, opponent } from "../goals/report.ts";
import type { Reached } from "../goals/reach.ts";
import type { PeerReport, PeerRow } from "../peers/measure.ts";
import { digits, type Report } from "../report.ts";
import { type Group, groupedBars } from "./grouped_bars.ts";

/** Units of a drawing's width, as pictures have it. */
const WIDTH = 760;
/** Characters of a note that fit into it. */
const NOTE = 130;

/** Each as a part of its goal, so that one line is the goal of all. */
function goalsSection(reached: readonly Reached[]): Section {
  const groups = reached.flatMap((one): Group[] => {
    if (one.met === "not measured") return [];
    const { goal, value, min, max, met } = one;
    const against = opponent(goal);
    return [{
      name: against === "" || against === "itself" ? goal.what : `${goal.what} / ${against}`,
      bars: [{
        series: met === "yes" ? 2 : 1,
        value: value / goal.atLeast,
        min: min / goal.atLeast,
        max: max / goal.atLeast,
        text: `${figure(goal, value)} of ${figure(goal, goal.atLeast)}`,
      }],
    }];
  });
  return {
    title: "Goals",
    drawing: groupedBars(groups, {
      width: WIDTH,
      series: [],
      unit: "part of the goal that is reached; the line is the goal; green: met",
      mark: 1,
    }),
  };
}

/** Rows of one system and one unit, a group a guest. */
function peersSection(title: string, rows: readonly PeerRow[], engines: readonly string[]): Section {
  const guests = [...new Set(rows.map(({ guest }) => guest))];
  const groups = guests.map((guest): Group => ({
    name: guest,
    bars: engines.flatMap((engine, series) =>
      rows.filter((row) => row.guest === guest && row.engine === engine).map(({ rate }) => ({
        series,
        value: rate.median,
        min: rate.min,
        max: rate.max,
        text: digits(rate.median),
      }))
    ),
  }));
  const unit = `millions a second: ${rows[0].exits === undefined ? "guest instructions" : "exits"}; ` +
    "the thin line is the range of the runs";
  return { title, drawing: groupedBars(groups, { width: WIDTH, series: engines, unit }) };
}

function peersSections({ rows, engines }: PeerReport): Section[] {
  const systems = [...new Set(rows.map(({ system }) => system))];
  return systems.flatMap((system) =>
    ([["programs", false], ["exits", true]] as const).flatMap(([what, leaving]) => {
      const some = rows.filter((row) => row.system === system && (row.exits !== undefined) === leaving);
      const names = engines.map(({ name }) => name);
      return some.length === 0 ? [] : [peersSection(`${system}: ${what}`, some, names)];
    })
  );
}

/** An SVG document of what was measured. Throws `RangeError` if none of it is drawn. */
export function benchmarkPicture({ peers, goals, deno, target, runs }: Report): string {
  const sections = [
    ...goals?.some(({ met }) => met !== "not measured") ? [goalsSection(goals)] : [],
    ...peers ? peersSections(peers) : [],
  ];
  if (sections.length === 0) throw new RangeError("--svg draws what --peers measures");
  const notes = [
    `Deno ${deno}, ${target}; medians of ${runs} alternating runs.`,
    ...(peers?.engines ?? []).map(({ name, about, version, missing }) =>
      version === undefined ? `${name}: not measured, ${missing}` : `${name} (${version}): ${about}`
    ),
  ].flatMap((line) => wrap(line, NOTE));
  return picture("trapsh and its peers on the same bytes", undefined, sections, notes);
}
