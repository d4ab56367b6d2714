/** `info exits` and `exits ...`: the ledger of the machine. */
import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { keyText } from "../../emulator/exits/key_text.ts";
import { type StageProvenance, stageProvenance } from "../../emulator/exits/provenance.ts";
import type { ExitRow } from "../../emulator/exits/row.ts";
import { type ExitTable, tabulateExits } from "../../emulator/exits/tabulate.ts";
import { UserError } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { deviceNames } from "../reports/device_names.ts";
import { exitTableLines, originText } from "../reports/exit_table.ts";
import { hex } from "../reports/hexdump.ts";
import { table } from "../reports/table.ts";
import { GROUPINGS } from "./support/exit_groupings.ts";
import { keyword, keywordOf, maybeWord, oneOf } from "./support/grammar.ts";
import { numberOf } from "./support/numbers.ts";
import { ledgerUnder, namesOfProfiles } from "./support/profiles.ts";

export const infoExits = defineCommand({
  name: "info exits",
  group: "exits",
  summary: "show what left the guest and what it cost, as perf kvm stat does",
  description:
    `by groups the exits: exit (the backend's own names, the default), reason (KVM's API names), port, gpa, hypercall,
leaf, msr, vector, spr, or pc (from recorded rows). under PROFILE prices them again without running again. Min, Max,
Avg and the stages are cycles of the profile that stands below, --us makes them microseconds. On a terminal with room
beside the table, bars show the shares of time and of the stages.`,
  grammar: object({
    by: keywordOf("by", GROUPINGS, "KEY"),
    under: keyword("under", "PROFILE"),
    us: optional(option("--us")),
  }),
  examples: [
    { line: "info exits", after: ["arch ppc", "open echo via hypercall", "call 1 0x2a"], shows: "profile" },
    { line: "info exits by port", after: ["arch x86", "out.b 0x80 1"], shows: "0x80" },
    { line: "info exits under tsirkin-2013", after: ["arch x86", "out.b 0x80 1"], shows: "tsirkin-2013" },
  ],
  complete: (_session, typed) => typed.at(-2) === "under" ? namesOfProfiles() : [],
  async run(session, { by, under, us }): Promise<ExitTable & { readonly unit: "cycles" | "us" }> {
    const options = { by: by ?? "exit", nameOf: deviceNames(session.vm) };
    const table = tabulateExits(await ledgerUnder(session, under), options);
    return { ...table, unit: us === true ? "us" : "cycles" };
  },
  print: (data, { width, bars }) => exitTableLines(data, { width, unit: data.unit, bars }).join("\n"),
});

export const resetExits = defineCommand({
  name: "exits reset",
  group: "exits",
  summary: "forget all exits counted so far",
  description: "The guest, its devices and the vCPU's own counters go on as they are.",
  grammar: object({}),
  examples: [{ line: "exits reset", shows: "forgotten" }],
  run(session): { forgotten: number } {
    const { count } = session.exits;
    session.exits.reset();
    return { forgotten: count };
  },
  print: ({ forgotten }) => `${forgotten} exit${forgotten === 1 ? "" : "s"} forgotten`,
});

export const recordExits = defineCommand({
  name: "exits record",
  group: "exits",
  summary: "keep a row for each exit, or the sums only",
  description: "Rows are what exits rows and info exits by pc show. Sums and totals are kept always.",
  grammar: object({ on: optional(oneOf(["on", "off"], "ON|OFF")) }),
  examples: [{ line: "exits record on", shows: "recording: on" }],
  run(session, { on }): { recording: boolean; rows: number } {
    if (on !== undefined) session.exits.record(on === "on");
    return { recording: session.exits.recording, rows: session.exits.rows.length };
  },
  print: ({ recording, rows }) => `recording: ${recording ? "on" : "off"}, ${rows} rows kept`,
});

/** Rows that are shown where no number is given. */
const SHOWN = 20;

export interface ExitRowsData {
  readonly rows: readonly ExitRow[];
  /** Recorded rows before these. */
  readonly earlier: number;
  readonly profile: string;
  /** Where the figures behind the cycles of these rows are from. */
  readonly provenance: StageProvenance;
}

export const exitRows = defineCommand({
  name: "exits rows",
  group: "exits",
  summary: "show the last exits one by one",
  description:
    `exits rows [N]: the last N (${SHOWN}). at counts the vCPU's cycles from its reset to the exit's beginning.`,
  grammar: object({ count: maybeWord("N") }),
  examples: [{ line: "exits rows 2", after: ["arch x86", "out.b 0x80 1", "out.b 0x80 2"], shows: "0x80" }],
  run(session, { count }): ExitRowsData {
    const n = count === undefined ? SHOWN : numberOf(session, count, "number of rows", 1);
    const { rows, profile, recording } = session.exits;
    if (rows.length === 0 && !recording && session.exits.count > 0) {
      throw new UserError('No rows are recorded: "exits record on", then run again');
    }
    const shown = rows.slice(-n);
    return {
      rows: shown,
      earlier: Math.max(0, rows.length - n),
      profile: profile.name,
      provenance: stageProvenance(profile, shown),
    };
  },
  print({ rows, earlier, profile, provenance }) {
    if (rows.length === 0) return "no exits";
    const cycles = (title: string, value: (row: ExitRow) => number) => ({ title, value });
    const lines = table<ExitRow>([
      { title: "seq", value: (row) => row.seq },
      { title: "at", value: (row) => row.at },
      { title: "pc", value: (row) => hex(row.pc) + (row.symbol === undefined ? "" : ` ${row.symbol}`) },
      { title: "exit", value: (row) => `${row.native.name}` },
      { title: "key", value: (row) => keyText(row.keySpace, row.key), right: true },
      { title: "way", value: (row) => row.direction === "none" ? "" : row.direction },
      { title: "size", value: (row) => row.size },
      { title: "acc", value: (row) => row.accesses },
      cycles("switch", (row) => row.cycles.worldSwitch),
      cycles("dispatch", (row) => row.cycles.dispatch),
      cycles("decode", (row) => row.cycles.decode),
      cycles("userspace", (row) => row.cycles.userspace),
      cycles("device", (row) => row.cycles.device),
      cycles("total", (row) => row.cycles.total),
    ], rows);
    const before = earlier === 0 ? [] : [`${earlier} earlier rows`];
    return [
      ...before,
      ...lines,
      `cycles by profile ${profile}: ${originText(provenance, rows.some(({ cycles }) => cycles.device > 0))}`,
    ]
      .join("\n");
  },
});
