/** `timeline` and `stat`: exits over virtual time, and events as perf reports them. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { type EventStats, eventStats } from "../../emulator/exits/event_stats.ts";
import { tabulateTimeline, type Timeline } from "../../emulator/exits/timeline.ts";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { deviceNames } from "../reports/device_names.ts";
import { perfStatLines } from "../reports/perf_stat.ts";
import { timelineLines } from "../reports/timeline_lines.ts";
import type { Session } from "../session.ts";
import { GROUPINGS } from "./support/exit_groupings.ts";
import { keyword, keywordOf, maybeWord, oneOf } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { ledgerUnder, namesOfProfiles } from "./support/profiles.ts";
import { writeFile } from "./support/write_file.ts";

/** Buckets that are shown at most: a screen has no more lines worth reading. */
const MOST_BUCKETS = 1000;

/** A timeline of exits none of which has a row would look as if there had been none. */
function requireRows(session: Session): void {
  const { exits } = session;
  if (exits.count > 0 && exits.rows.length === 0) {
    throw new UserError('No rows are recorded: "exits record on", then run again');
  }
}

/** With `--svg`, where the picture went. */
type TimelineData = Timeline & { readonly file?: string };

/** Buckets of a picture, if the user gives no number. */
const PLOT_BUCKETS = 120;

export const timeline = defineCommand({
  name: "timeline",
  group: "exits",
  summary: "show exits over virtual time, by kind, with bars",
  description:
    `timeline [N] divides the time of the recorded exits into N buckets (24), or the time from CYCLE to CYCLE. by KEY
groups as info exits does: exit, reason, port, gpa, hypercall ... or pc; the dearest seven kinds are told apart. Strips
show where exits began, all on one scale; bars show what share of a bucket was spent in exits. under PROFILE prices them
again. --svg FILE writes a picture instead (of 120 buckets); export FILE.svg has it with the stages.`,
  grammar: object({
    buckets: maybeWord("N"),
    by: keywordOf("by", GROUPINGS, "KEY"),
    under: keyword("under", "PROFILE"),
    from: optional(option("--from", string({ metavar: "CYCLE" }))),
    to: optional(option("--to", string({ metavar: "CYCLE" }))),
    svg: optional(option("--svg", string({ metavar: "FILE" }))),
  }),
  examples: [
    { line: "timeline", after: ["arch x86", "out.b 0x80 1", "out.b 0x80 2"], shows: "buckets of" },
    { line: "timeline 8 by port", after: ["arch x86", "out.b 0x80 1"], shows: "0x80:POUT" },
  ],
  complete: (_session, typed) => typed.at(-2) === "under" ? namesOfProfiles() : [],
  async run(session, { buckets, by, under, from, to, svg }): Promise<TimelineData> {
    requireRows(session);
    const number = (text: string | undefined, what: string, least: number, most?: number) =>
      text === undefined ? undefined : numberOf(session, text, what, least, most);
    const [first, end] = [number(from, "first cycle", 0), number(to, "last cycle", 1)];
    const wanted = number(buckets, "number of buckets", 1, MOST_BUCKETS) ?? (svg && PLOT_BUCKETS);
    const data = tabulateTimeline(await ledgerUnder(session, under), {
      by: by ?? "exit",
      ...(wanted && { buckets: wanted }),
      ...(first !== undefined && { from: first }),
      ...(end !== undefined && { to: end }),
      nameOf: deviceNames(session.vm),
    });
    if (svg === undefined) return data;
    const { timelineSvg } = await import("../reports/svg/picture.ts");
    await writeFile(svg, timelineSvg(data));
    return { ...data, file: svg };
  },
  print: (data, style) =>
    data.file !== undefined
      ? `${
        data.exits - data.notShown
      } of ${data.exits} exits in ${data.buckets.length} buckets to ${data.file}`
      : timelineLines(data, { width: style.width, glyphs: style.bars ?? "blocks" }).join("\n"),
});

export const stat = defineCommand({
  name: "stat",
  group: "exits",
  summary: "report events in the layout of perf kvm stat",
  description:
    `vmexit (the default) counts exits by the backend's reason, mmio and ioport accesses by address, hcall hypercalls
by number, as perf kvm stat report --event does. --key sorts as perf's does, by sample if not given; --vcpu N counts one
vCPU. Times are the profile's cycles at its frequency; +- is the standard error of the mean.`,
  grammar: object({
    event: optional(oneOf(["vmexit", "mmio", "ioport", "hcall"], "EVENT")),
    under: keyword("under", "PROFILE"),
    key: optional(option(
      "--key",
      choice(["sample", "time", "max_time", "min_time", "mean_time"], { metavar: "KEY" }),
    )),
    vcpu: optional(option("--vcpu", string({ metavar: "N" }))),
  }),
  examples: [
    { line: "stat", after: ["arch x86", "out.b 0x80 1"], shows: "IO_INSTRUCTION          1   100.00%" },
    { line: "stat ioport", after: ["arch x86", "out.b 0x80 1"], shows: "0x80:POUT" },
  ],
  complete: (_session, typed) => typed.at(-2) === "under" ? namesOfProfiles() : [],
  async run(session, { event, under, key, vcpu }): Promise<EventStats> {
    const last = session.vm.vcpus.length - 1;
    const index = vcpu === undefined ? undefined : numberOf(session, vcpu, "vCPU", 0, last);
    return eventStats(await ledgerUnder(session, under), event ?? "vmexit", {
      ...(key !== undefined && { key }),
      ...(index !== undefined && { vcpu: index }),
    });
  },
  print: (data, style) => perfStatLines(data, style.width).join("\n"),
});
