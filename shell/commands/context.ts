/** `context`: how much is shown after each stop. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { defineCommand } from "../command.ts";
import { BRIEF, contextOf, type ContextSettings, FULL, setContext } from "./support/context.ts";
import { maybeWord, oneOf } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";

/** A screen's worth. */
const MOST = 64;

export const context = defineCommand({
  name: "context",
  group: "stops",
  summary: "show or choose how much is told after each stop",
  description:
    `context full: five instructions and four words of the stack; context brief: one instruction; context code N and context
stack N: so many. At a prompt it is full at first, elsewhere brief. Changed registers, cycles since the last stop, the last exit
and what display asks for are always told.`,
  grammar: object({
    what: optional(oneOf(["full", "brief", "code", "stack"], "WHAT")),
    count: maybeWord("N"),
  }),
  examples: [
    { line: "context full", shows: "5 instructions, 4 words of the stack" },
    { line: "context stack 8", shows: "1 instruction, 8 words of the stack" },
  ],
  run(session, { what, count }): ContextSettings {
    const counts = what === "code" || what === "stack";
    if (counts !== (count !== undefined)) {
      throw new SyntaxError(
        counts
          ? `context ${what} takes a number (example: context ${what} 8)`
          : "context full and brief take no number",
      );
    }
    if (what === "full") setContext(session, FULL);
    if (what === "brief") setContext(session, BRIEF);
    if (counts) {
      setContext(session, { ...contextOf(session), [what]: numberOf(session, count!, "count", 0, MOST) });
    }
    return contextOf(session);
  },
  print: ({ code, stack }) =>
    `${code} instruction${code === 1 ? "" : "s"}, ${stack} word${stack === 1 ? "" : "s"} of the stack`,
});
