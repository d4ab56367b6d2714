import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { axisText, coordinate, scaleTo } from "../../../../shell/reports/svg/scale.ts";

Deno.test("scaleTo() ends at a round number that is not below the greatest value", () => {
  assertEquals(scaleTo(8796), { end: 10_000, ticks: [0, 2000, 4000, 6000, 8000, 10_000] });
  assertEquals(scaleTo(3, 4, true), { end: 3, ticks: [0, 1, 2, 3] });
  assertEquals(scaleTo(0.3, 3), { end: 0.3, ticks: [0, 0.1, 0.2, 0.3] });
  for (const none of [0, -1, NaN, Infinity]) assertEquals(scaleTo(none), { end: 1, ticks: [0, 1] });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), fc.integer({ min: 1, max: 12 }), (greatest, wanted) => {
      const { end, ticks } = scaleTo(greatest, wanted);
      assertEquals(end >= greatest * (1 - 1e-9), true);
      assertEquals(ticks.length <= wanted * 2.5 + 2, true);
    }),
  );
});

Deno.test("axisText() and coordinate() are short", () => {
  assertEquals([0, 250, 12_000, 1_500_000, 3e9].map(axisText), ["0", "250", "12k", "1.5M", "3G"]);
  assertEquals([coordinate(1 / 3), coordinate(2)], ["0.33", "2"]);
});
