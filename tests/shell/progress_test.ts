import { assertEquals } from "@std/assert";
import { createProgress, duration } from "../../shell/progress.ts";
import { createStyle } from "../../shell/style.ts";

function drawing(isTerminal: boolean, width = 60) {
  let text = "", now = 0;
  const target = {
    isTerminal: () => isTerminal,
    write: (part: string) => void (text += part),
    now: () => now,
  };
  const progress = createProgress(createStyle(false, width), target);
  return {
    progress,
    /** What is drawn for an update at a time in milliseconds. */
    at(time: number, done: number, more = "") {
      now = time;
      text = "";
      progress.update({ done, total: 100, before: 10, more });
      return text;
    },
    end() {
      text = "";
      progress.end();
      return text;
    },
  };
}

Deno.test("createProgress() says nothing within the first second, then how much is left of what costs time", () => {
  const { at, end } = drawing(true);
  assertEquals(at(999, 20), "");
  assertEquals(at(1000, 20), "\r20 of 100 (20%), 8 s left\x1b[K");
  assertEquals(at(1050, 21), "");
  assertEquals(at(90_000, 40, "2 failed"), "\r40 of 100 (40%), 2 failed, 3 min left\x1b[K");
  assertEquals(end(), "\r\x1b[K");
  assertEquals(end(), "");
});

Deno.test("createProgress() is silent without a terminal, and no wider than one", () => {
  const { at, end } = drawing(false);
  assertEquals([at(5000, 50), end()], ["", ""]);
  assertEquals(drawing(true, 11).at(5000, 50), "\r50 of 100 \x1b[K");
  // Nothing done yet, so nothing is known.
  assertEquals(drawing(true).at(5000, 10), "\r10 of 100 (10%)\x1b[K");
});

Deno.test("duration()", () => {
  const shown = [0, 1, 119_000, 120_001, 3_600_000, 7_200_000, 40_000_000].map(duration);
  assertEquals(shown, ["0 s", "1 s", "119 s", "2 min", "60 min", "2.0 h", "11.1 h"]);
});
