/** A guest chooses keys: no number of them may be too much for a report. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { eventStats } from "../../../emulator/exits/event_stats.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { exitTableLines } from "../../../shell/reports/exit_table.ts";
import { exitHtmlTable, MOST_LINES } from "../../../shell/reports/html/tables.ts";
import { perfStatLines } from "../../../shell/reports/perf_stat.ts";
import { MISCONFIG, site, VIOLATION } from "../../emulator/exits/fixtures.ts";

Deno.test("140,000 keys are a table, and the first of them a report", () => {
  const ledger = new Ledger(loadProfile("x86-default"), { keyLimit: 70_000 });
  for (let key = 0; key < 70_000; key++) {
    ledger.charge(VIOLATION, 8 * key, "out", 4, "kernel", site());
    ledger.charge(MISCONFIG, 8 * key + 4, "out", 4, "kernel", site());
  }
  const table = tabulateExits(ledger, { by: "gpa" });
  assertEquals(exitTableLines(table, { bars: "blocks", width: 160 }).length > 140_000, true);
  assertEquals(perfStatLines(eventStats(ledger, "mmio")).length > 140_000, true);
  const html = exitHtmlTable(table);
  assertEquals(html.match(/<tr>/g)!.length, MOST_LINES + 2);
  assertStringIncludes(html, "139,500 cheaper lines are not shown");
});
