/** The benchmark's picture, of figures made up for it. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { unclosed } from "../support/markup.ts";
import { benchmarkPicture } from "./charts/picture.ts";
import { reachAll } from "./goals/reach.ts";
import { FIVE } from "./goals/goals.ts";
import type { PeerRow } from "./peers/measure.ts";
import type { Report } from "./report.ts";
import { sampleOf } from "./statistics.ts";

const ENGINES = ["trapsh region", 'QEMU <TCG> & "others"', "QEMU TCG"];

function report(rows: readonly PeerRow[]): Report {
  const engines = ENGINES.map((name) => ({ name, about: `${name}, `.repeat(20), version: "1" }));
  return {
    deno: "1",
    v8: "1",
    target: "here",
    runs: 5,
    instructions: [],
    exits: [],
    start: [],
    variants: [],
    growth: [],
    peers: { engines, rows },
    goals: reachAll(rows),
  };
}

Deno.test("benchmarkPicture() is well-formed, and has every guest, every engine and the goals", () => {
  const rows = FIVE.flatMap((guest) =>
    ENGINES.map((engine, i): PeerRow => ({
      guest,
      system: "x86-32",
      engine,
      instructions: 1000,
      rate: sampleOf([100 * i + 90, 100 * i + 100, 100 * i + 130]),
    }))
  );
  const exits: PeerRow = { ...rows[0], guest: "out", exits: 200 };
  const svg = benchmarkPicture(report([...rows, exits]));
  assertEquals(unclosed(svg), []);
  assert(!svg.includes("<TCG>"));
  assert(!/NaN|undefined|Infinity/.test(svg));
  for (
    const text of [...FIVE, "Goals", "x86-32: programs", "x86-32: exits", "trapsh region", "0.33x of 1.50x"]
  ) {
    assertStringIncludes(svg, text);
  }
});

Deno.test("benchmarkPicture() says what it needs", () => {
  assertThrows(() => benchmarkPicture(report([])), RangeError, "--peers");
});
