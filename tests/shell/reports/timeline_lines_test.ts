import { assertEquals } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { tabulateTimeline } from "../../../emulator/exits/timeline.ts";
import { timelineLines } from "../../../shell/reports/timeline_lines.ts";
import { HLT, IO, site } from "../../emulator/exits/fixtures.ts";

function sample(): Ledger {
  const ledger = new Ledger(loadProfile("x86-default"), { record: true });
  for (const cycles of [0, 2000, 4000]) ledger.charge(IO, 0x80, "out", 1, "kernel", site({ cycles }));
  ledger.charge(HLT, 0, "none", 0, "kernel", site({ cycles: 10_000 }));
  return ledger;
}

Deno.test("timelineLines() shows strips, buckets with bars, and where figures are from", () => {
  const lines = timelineLines(tabulateTimeline(sample(), { buckets: 4 }), { width: 72 });
  assertEquals(lines, [
    "4 exits by exit, cycles 0 to 11,566 (4.82 us), 4 buckets of 2,892 cycles",
    "  (1.20 us)",
    "",
    "IO_INSTRUCTION  |█▄  | 3",
    "HLT             |   ▄| 1",
    "",
    "   At    After  Exits  Cycles  In exits",
    "-----  -------  -----  ------  --------  -------------------------------",
    "    0        0      2   2,654    91.77%  ████████████████████████████▌",
    "2,892  1.20 us      1   2,632    91.01%  ████████████████████████████▎",
    "5,784  2.41 us      0       0     0.00%",
    "8,676  3.62 us      1   1,566    54.19%  ████████████████▊",
    "",
    "an exit counts where it began, its cycles fall where they were spent",
    "time at 2400 MHz (assumed)",
    "profile x86-default: x86 2013: hypercall by Tsirkin, port I/O and MMIO",
    "  by pci-testdev (KVM)",
    ...lines.slice(17),
  ]);
  assertEquals(lines.at(-1), "figures: world switch calibrated; dispatch calibrated and assumed");
});

Deno.test("timelineLines() in ASCII, without room, and without exits", () => {
  const data = tabulateTimeline(sample(), { buckets: 4 });
  assertEquals(timelineLines(data, { glyphs: "ascii" })[2], "IO_INSTRUCTION  |#:  | 3");
  const narrow = timelineLines(data, { width: 40 });
  assertEquals(narrow.some((line) => /█{8}/.test(line)), false);
  assertEquals(timelineLines(tabulateTimeline(new Ledger(loadProfile("x86-default")))), ["no exits"]);
});
