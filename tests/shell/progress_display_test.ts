import { assertEquals, assertMatch } from "@std/assert";
import {
  eachWithProgress,
  progressDisplay,
  progressText,
  silentProgress,
} from "../../shell/progress_display.ts";
import { StatusLine } from "../../shell/status_line.ts";
import { stringSink } from "../../shell/sinks.ts";

/** A display whose time is set by the test. */
function display(begun?: () => Disposable) {
  const terminal = stringSink();
  const clock = { now: 0 };
  const line = new StatusLine(terminal, () => 120);
  const start = progressDisplay({ line, now: () => clock.now, ...(begun && { begun }) });
  return { terminal, clock, start };
}

Deno.test("progressText() says how much is done and how long the rest takes", () => {
  const text = (done: number, total: number | undefined, seconds: number, more = {}) =>
    progressText("run", "cells", { done, ...(total !== undefined && { total }), ...more }, 1000 * seconds);
  assertEquals(text(3, 12, 2), "run: 3 of 12 cells (25%)  █████                 6 s left, Ctrl-C stops");
  assertEquals(text(12.3e6, undefined, 5), "run: 12.3M cells, 5 s, Ctrl-C stops");
  // What was done before took no time now: two cells took two seconds, so eight take eight.
  assertMatch(text(4, 12, 2, { before: 2, more: "1 failed" }), /4 of 12 cells \(33%\), 1 failed .* 8 s left/);
  assertMatch(text(0, 3e9, 2), /0 of 3\.00G cells \(0%\) +2 s,/);
  assertMatch(text(1, 10_001, 2), /6 h left|5\.6 h left/);
});

Deno.test("progressDisplay() shows nothing within a second, then ten times a second at most, and clears up", () => {
  const { terminal, clock, start } = display();
  {
    using shown = start("work");
    for (clock.now = 0; clock.now < 1000; clock.now += 10) shown.update({ done: clock.now, total: 2000 });
    assertEquals(terminal.text, "");
    for (; clock.now <= 1200; clock.now += 10) shown.update({ done: clock.now, total: 2000 });
    assertEquals(terminal.text.split("\r").length - 1, 3);
    assertMatch(terminal.text, /work: 1,200 of 2,000 \(60%\)/);
  }
  assertEquals(terminal.text.endsWith("\r\x1b[K"), true);
});

Deno.test("progressDisplay() shows the innermost work, and listens as long as there is any", () => {
  const events: string[] = [];
  const { terminal, clock, start } = display(() => {
    events.push("begun");
    return { [Symbol.dispose]: () => void events.push("ended") };
  });
  const outer = start("outer");
  const inner = start("inner");
  clock.now = 5000;
  outer.update({ done: 1 });
  inner.update({ done: 2 });
  inner.end();
  inner.end();
  clock.now = 6000;
  outer.update({ done: 3 });
  outer.end();
  outer.update({ done: 4 });
  assertEquals(terminal.text.match(/\w+: \d/g), ["inner: 2", "outer: 3"]);
  assertEquals(events, ["begun", "begun", "ended", "ended"]);
});

Deno.test("eachWithProgress() gives all items, and after the signal no more", async () => {
  const controller = new AbortController();
  const done: number[] = [];
  for await (
    const item of eachWithProgress({ progress: silentProgress, signal: controller.signal }, "n", [1, 2, 3, 4])
  ) {
    done.push(item);
    if (item === 2) controller.abort();
  }
  assertEquals(done, [1, 2]);
});
