/** `trace`: what the guest executes, and which exits it makes, as it goes. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { defineCommand } from "../command.ts";
import { oneOf, words } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { symbolNames } from "./support/symbols.ts";
import { parseTraceFilter } from "./support/trace_filter.ts";
import { startTrace, stopTrace, type TraceData, traceOf } from "./support/tracer.ts";

/** Lines where no number is given: to a terminal, and to a file. */
const LIMITS = { terminal: 1_000, file: 1_000_000 } as const;
const MOST = 1_000_000_000;

const NONE: TraceData = { on: false, filter: "", lines: 0, limit: 0 };

export const trace = defineCommand({
  name: "trace",
  group: "stops",
  summary: "write each instruction and exit of the guest, to the terminal or a file",
  description:
    `trace on [--to FILE] [--limit N] [FILTER...]; trace off; trace tells how it stands. FILTER: "in SYMBOL" or "in FIRST..LAST"
and "op MNEMONIC" for instructions, "exit KIND" for exits (as catch exit has them); several of one kind are alternatives; only the
kinds that are named are written, without a filter everything. A line has the number of the instruction, the vCPU if there are several,
address, symbol and text. It ends after N lines (${LIMITS.terminal}, ${LIMITS.file} to a file). Runs become slow, some 100,000
instructions a second, and stay the same; tracing exits alone costs nothing.`,
  grammar: object({
    what: optional(oneOf(["on", "off"], "on|off")),
    to: optional(option("--to", string({ metavar: "FILE" }), { description: message`write to this file` })),
    limit: optional(option("--limit", string({ metavar: "N" }), { description: message`lines at most` })),
    filter: words("FILTER"),
  }),
  examples: [
    { line: "trace on", after: ["arch x86"], shows: "tracing everything to the terminal" },
    { line: "trace on exit pio", after: ["arch x86"], shows: "tracing exit pio to the terminal" },
    { line: "trace", shows: "no trace" },
  ],
  complete(session, typed) {
    switch (typed.at(-2)) {
      case "in":
        return symbolNames(session);
      case "exit":
        return session.vm.catchpoints.reasons.map((name) => name.toLowerCase());
      case "op":
        return [];
      default:
        return ["in", "op", "exit"];
    }
  },
  run(session, { what, to, limit, filter }): TraceData {
    if (what !== "on") {
      if (filter.length > 0 || to !== undefined || limit !== undefined) {
        throw new SyntaxError('filters, --to and --limit go with "trace on"');
      }
      return (what === "off" ? stopTrace(session) : traceOf(session)) ?? NONE;
    }
    const kept = to === undefined ? LIMITS.terminal : LIMITS.file;
    const most = limit === undefined ? kept : numberOf(session, limit, "limit", 1, MOST);
    return startTrace(session, to, parseTraceFilter(session, filter), most);
  },
  print({ on, to, filter, lines, limit }) {
    if (limit === 0) return "no trace: trace on begins one";
    const where = to ?? "the terminal";
    const count = `${lines} line${lines === 1 ? "" : "s"}`;
    if (!on) return `traced ${count} to ${where}`;
    return `tracing ${filter === "" ? "everything" : filter} to ${where}, ${count} of ${limit}`;
  },
});
