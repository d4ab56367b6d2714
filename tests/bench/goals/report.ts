/** The table of the goals: what was wanted, what was reached, whether that is enough. */
import { table } from "../../../mod.ts";
import { digits } from "../report.ts";
import type { Goal } from "./goals.ts";
import type { Reached } from "./reach.ts";

/** Whom a goal is against, in a word or two. */
export function opponent({ against }: Goal): string {
  if (against === undefined) return "";
  if ("sister" in against) return "itself";
  return against.on ? `${against.peer}, sc 1` : against.peer;
}

/** A ratio, or millions a second. */
export function figure({ against }: Goal, value: number): string {
  return against === undefined ? digits(value) : `${value.toFixed(2)}x`;
}

export function goalsAsLines(reached: readonly Reached[]): string[] {
  const right = true;
  const measured = (text: (one: Exclude<Reached, { met: "not measured" }>) => string) => (one: Reached) =>
    one.met === "not measured" ? "" : text(one);
  return [
    "goals: how many times as fast trapsh is",
    ...table<Reached>([
      { title: "what", value: ({ goal }) => goal.what },
      { title: "against", value: ({ goal }) => opponent(goal) },
      { title: "goal", value: ({ goal }) => figure(goal, goal.atLeast), right },
      { title: "reached", value: measured(({ goal, value }) => figure(goal, value)), right },
      {
        title: "min-max",
        value: measured(({ goal, min, max }) => `${figure(goal, min)}-${figure(goal, max)}`),
        right,
      },
      { title: "met", value: ({ met }) => met },
      {
        title: "least of it",
        value: measured(({ goal, worst }) => `${worst.guest} ${worst.system} ${figure(goal, worst.value)}`),
      },
    ], reached),
    "A geometric mean of ratios of medians, compiled code unless it says otherwise; min-max: of each run by itself.",
    "The five loops are sieve, crc32, copy, calls and dispatch. x86-64 has paging on, as has its sister.",
  ];
}
