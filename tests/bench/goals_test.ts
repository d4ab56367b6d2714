/** The goals' arithmetic. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { FIVE, type Goal, GOALS } from "./goals/goals.ts";
import { geometricMean, reach, reachAll } from "./goals/reach.ts";
import { goalsAsLines } from "./goals/report.ts";
import { PEER_GUESTS } from "./peers/guests.ts";
import type { PeerRow } from "./peers/measure.ts";
import type { SystemName } from "./peers/systems.ts";
import { sampleOf } from "./statistics.ts";

function row(guest: string, system: SystemName, engine: string, ...values: number[]): PeerRow {
  return { guest, system, engine, instructions: 1000, rate: sampleOf(values) };
}

function assertAlmost(found: number, expected: number): void {
  assertEquals(found.toFixed(9), expected.toFixed(9));
}

const goal: Goal = {
  what: "two loops",
  ours: "trapsh region",
  systems: ["x86-32", "x86-64"],
  guests: ["sieve", "copy"],
  take: "mean",
  against: { peer: "a peer" },
  atLeast: 2,
};

const ROWS: readonly PeerRow[] = [
  row("sieve", "x86-32", "trapsh region", 80, 90, 100),
  row("sieve", "x86-32", "a peer", 10, 10, 10),
  row("copy", "x86-32", "trapsh region", 40, 40, 40),
  row("copy", "x86-32", "a peer", 30, 40, 50),
];

Deno.test("geometricMean() is the root of the product", () => {
  assertAlmost(geometricMean([2, 8]), 4);
  assertThrows(() => geometricMean([]), RangeError);
});

Deno.test("reach() takes ratios of medians, their mean, and the noise run by run", () => {
  const reached = reach(ROWS, goal);
  assert(reached.met === "yes");
  assertAlmost(reached.value, 3);
  assertAlmost(reached.min, Math.sqrt(10 * 40 / 50));
  assertAlmost(reached.max, Math.sqrt(8 * 40 / 30));
  assertEquals(reached.worst, { guest: "copy", system: "x86-32", value: 1 });
  assertEquals(reach(ROWS, { ...goal, atLeast: 3.1 }).met, "no");
});

Deno.test("reach() takes the worst where that is the goal, and millions where there is no peer", () => {
  const worst = reach(ROWS, { ...goal, take: "worst", atLeast: 1.1 });
  assert(worst.met === "no");
  assertEquals(worst.value, 1);
  const alone = reach(ROWS, { ...goal, against: undefined, atLeast: 59 });
  assert(alone.met === "yes");
  assertAlmost(alone.value, 60);
});

Deno.test("reach() sets ours against another system of ours, or against one row of a peer's", () => {
  const rows = [...ROWS, row("sieve", "x86-64", "trapsh region", 45, 45, 45)];
  const wide: Goal = {
    ...goal,
    systems: ["x86-64"],
    guests: ["sieve"],
    against: { sister: { "x86-64": "x86-32" } },
  };
  const itself = reach(rows, wide);
  assert(itself.met === "no");
  assertAlmost(itself.value, 0.5);
  const one = reach(rows, { ...wide, against: { peer: "a peer", on: { guest: "copy", system: "x86-32" } } });
  assert(one.met === "no");
  assertAlmost(one.value, 45 / 40);
});

Deno.test("reach() tells what was not measured", () => {
  assertEquals(reach(ROWS.slice(0, 3), goal).met, "not measured");
  assertEquals(reach([], goal).met, "not measured");
  assert(reachAll([]).every(({ met }) => met === "not measured"));
});

Deno.test("every goal's guests are among those that the peers run", () => {
  for (const { guests, systems } of GOALS) {
    for (const guest of guests) {
      assert(PEER_GUESTS.some(({ name, system }) => name === guest && systems.includes(system.name)), guest);
    }
  }
});

Deno.test("goalsAsLines() gives a line for each goal", () => {
  const systems = [...new Set(GOALS.flatMap(({ systems }) => systems))];
  const rows = systems.flatMap((system) =>
    FIVE.flatMap((guest) => [
      row(guest, system, "trapsh region", 300, 300, 300),
      row(guest, system, "QEMU TCG", 100, 100, 100),
    ])
  );
  const lines = goalsAsLines(reachAll(rows));
  assertEquals(lines.filter((line) => /QEMU TCG +\d.\d\dx +3.00x +3.00x-3.00x +yes/.test(line)).length, 7);
  assertEquals(lines.filter((line) => line.includes("not measured")).length, GOALS.length - 7 - 2);
});
