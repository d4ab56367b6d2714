/** `info break`, `delete`, `enable`, `disable`, `ignore`, `condition`: breakpoints, watchpoints and catchpoints by number. */
import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import { table } from "../reports/table.ts";
import { conditionOf } from "./support/condition.ts";
import { word, words } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { chosenPoints, placeText, type PointData, pointNumbers, pointsOf, setOf } from "./support/points.ts";

const plural = (list: readonly PointData[]) => {
  const kinds = [...new Set(list.map(({ kind }) => kind))];
  const what = kinds.length === 1 ? kinds[0] : "point";
  return `${what}${list.length === 1 ? "" : "s"} ${list.map(({ id }) => id).join(", ")}`;
};

export const infoBreak = defineCommand({
  name: "info break",
  aliases: ["info breakpoints", "info watchpoints", "info catchpoints", "info b"],
  group: "stops",
  summary: "list breakpoints, watchpoints and catchpoints",
  description:
    `on is n for those that are disabled; once marks the temporary ones; hits counts how often one was met with its
condition fulfilled; ignore is how many times more it is passed over.`,
  grammar: object({}),
  examples: [{ line: "info break", after: ["arch x86", "break 0x1000"], shows: "0x1000" }],
  run: pointsOf,
  print: (list) =>
    list.length === 0 ? "no breakpoints" : table([
      { title: "id", value: (one) => one.id },
      { title: "type", value: ({ kind, access }) => access ? `${kind} (${access})` : kind },
      { title: "on", value: ({ enabled }) => enabled ? "y" : "n" },
      { title: "once", value: ({ temporary }) => temporary ? "y" : undefined },
      { title: "where", value: placeText },
      { title: "hits", value: (one) => one.hits },
      { title: "ignore", value: ({ ignore }) => ignore === 0 ? undefined : ignore },
      { title: "if", value: (one) => one.condition },
    ], list).join("\n"),
});

export const deletePoints = defineCommand({
  name: "delete",
  aliases: ["d"],
  group: "stops",
  summary: "delete breakpoints, watchpoints and catchpoints by number, or all of them",
  grammar: object({ ids: words("ID") }),
  examples: [{ line: "delete", after: ["arch x86", "break 0x1000"], shows: "deleted breakpoint 1" }],
  complete: pointNumbers,
  run(session, { ids }): readonly PointData[] {
    const gone = chosenPoints(session, ids);
    for (const one of gone) setOf(session.vm, one).remove(one.id);
    return gone;
  },
  print: (gone) => `deleted ${plural(gone)}`,
});

function switchCommand(name: "enable" | "disable", enabled: boolean): Command {
  return defineCommand({
    name,
    group: "stops",
    summary: `${name} breakpoints, watchpoints and catchpoints by number, or all of them`,
    grammar: object({ ids: words("ID") }),
    examples: [{ line: `${name} 1`, after: ["arch x86", "break 0x1000"], shows: `${name}d breakpoint 1` }],
    complete: pointNumbers,
    run(session, { ids }): readonly PointData[] {
      const chosen = chosenPoints(session, ids);
      for (const one of chosen) setOf(session.vm, one).change(one.id, { enabled });
      return chosen.map((one) => ({ ...one, enabled }));
    },
    print: (list) => `${name}d ${plural(list)}`,
  });
}
export const enable = switchCommand("enable", true);
export const disable = switchCommand("disable", false);

export const ignore = defineCommand({
  name: "ignore",
  group: "stops",
  summary: "pass over a breakpoint, watchpoint or catchpoint N times before it stops",
  grammar: object({ id: word("ID"), count: word("N") }),
  examples: [{ line: "ignore 1 3", after: ["arch x86", "break 0x1000"], shows: "passed over 3 times" }],
  complete: pointNumbers,
  run(session, { id, count }): PointData {
    const [point] = chosenPoints(session, [id]), ignore = numberOf(session, count, "count", 0);
    setOf(session.vm, point).change(point.id, { ignore });
    return { ...point, ignore };
  },
  print: ({ kind, id, ignore }) =>
    `${kind} ${id} is passed over ${ignore} time${ignore === 1 ? "" : "s"} before it stops`,
});

export const condition = defineCommand({
  name: "condition",
  group: "stops",
  summary: "give a breakpoint, watchpoint or catchpoint a condition, or take it away",
  description: "condition ID EXPR: it stops only where EXPR is not 0. condition ID: it stops always.",
  grammar: object({ id: word("ID"), words: words("EXPR") }),
  raw: true,
  examples: [{ line: "condition 1 $rax > 2", after: ["arch x86", "break 0x1000"], shows: "if $rax > 2" }],
  complete: pointNumbers,
  run(session, { id, words }): PointData {
    const [point] = chosenPoints(session, [id]);
    const text = words.filter((one, i) => i > 0 || one !== "if").join(" ");
    const { condition: _, ...rest } = point;
    const made = text === "" ? undefined : conditionOf(session, text);
    setOf(session.vm, point).change(point.id, { condition: made });
    return { ...rest, ...(made && { condition: text }) };
  },
  print: ({ kind, id, condition }) =>
    condition === undefined ? `${kind} ${id} stops always` : `${kind} ${id} stops if ${condition}`,
});
