import { assertEquals } from "@std/assert";
import { bar, stageBar, strip } from "../../../shell/reports/bars.ts";

Deno.test("bar() counts in eighths, and shows that something is more than nothing", () => {
  assertEquals([0, 1 / 32, 0.5, 5 / 8, 1, 2].map((share) => bar(share, 4)), [
    "",
    "▏",
    "██",
    "██▌",
    "████",
    "████",
  ]);
  assertEquals([bar(1e-9, 4), bar(NaN, 4), bar(-1, 4)], ["▏", "", ""]);
  assertEquals([bar(0.5, 4, "ascii"), bar(1e-9, 4, "ascii"), bar(0, 4, "ascii")], ["##", "#", ""]);
});

Deno.test("strip() is as high as the shares", () => {
  assertEquals(strip([0, 0.001, 0.5, 1]), " ▁▄█");
  assertEquals(strip([0, 0.5, 1], "ascii"), " :#");
});

Deno.test("stageBar() rounds ends, so that a bar is as long as its sum", () => {
  const cycles = { worldSwitch: 1500, dispatch: 262, decode: 1847, userspace: 5187, device: 0, total: 8796 };
  assertEquals(stageBar(cycles, 8796, 20), "███▓▒▒▒▒░░░░░░░░░░░░");
  assertEquals(stageBar(cycles, 2 * 8796, 20, "ascii"), "wwccuuuuuu");
  assertEquals(stageBar(cycles, 0, 20), "");
});
