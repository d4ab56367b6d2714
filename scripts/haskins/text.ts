/** The verdict as text. */
import { table } from "../../mod.ts";
import { wrap } from "../support/text.ts";
import { STAGES } from "./hosts.ts";
import type { Cell, Verdict } from "./verdict.ts";

export function asText({ cells, infeasible, findings, provenance }: Verdict): string {
  const columns = [
    { title: "host", value: (cell: Cell) => cell.host },
    { title: "asked for", value: (cell: Cell) => cell.via },
    { title: "in", value: (cell: Cell) => cell.handledIn },
    { title: "exits", value: (cell: Cell) => cell.exits },
    ...STAGES.map((stage) => ({ title: stage, value: (cell: Cell) => cell.stages[stage] })),
    { title: "guest", value: (cell: Cell) => cell.guest },
    { title: "cycles", value: (cell: Cell) => cell.cycles },
    { title: "it is", value: (cell: Cell) => cell.label === cell.via ? "" : cell.label },
  ];
  const lines = [
    "a call of 64 bytes that is answered with 8, by a descriptor in RAM, over the whole matrix",
    "",
  ];
  lines.push(...table(columns, cells));
  for (const { host, via, why } of infeasible) lines.push(`${host} ${via}: ${why}`);
  lines.push("", "the claims and conditions of May 2009, and what was measured", "");
  for (const { id, who, claim, verdict, measured } of findings) {
    lines.push(`${`(${id})`.padEnd(5)}${who}: ${claim}`, `     ${verdict.toUpperCase()}`);
    lines.push(...wrap(measured, 100).map((line) => `     ${line}`));
  }
  lines.push(
    "",
    "where the cycles are from",
    ...provenance.flatMap((line) => wrap(line, 110).map((part, i) => `${i ? "    " : "  "}${part}`)),
  );
  return `${lines.join("\n")}\n`;
}
