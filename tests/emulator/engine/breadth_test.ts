import { assertEquals } from "@std/assert";
import { Breadth } from "../../../emulator/engine/breadth.ts";
import { HotCode } from "../../../emulator/engine/hot_code.ts";

/** Looks at code of so many bytes that is executed evenly, as a generator of chance finds it. */
function* evenly(bytes: number, looks: number): Generator<bigint> {
  let chance = 1;
  for (let i = 0; i < looks; i++) {
    chance = Math.imul(chance, 1664525) + 1013904223 >>> 0;
    yield BigInt(Math.floor(chance / 2 ** 32 * bytes / 16) * 16);
  }
}

Deno.test("code is broad where looks find it in many places, and no more when they do not", () => {
  const breadth = new Breadth();
  for (
    const [bytes, isBroad] of [[2 ** 14, false], [2 ** 20, true], [2 ** 16, false], [2 ** 18, true]] as const
  ) {
    for (const pc of evenly(bytes, 200)) breadth.look(pc);
    assertEquals(breadth.isBroad, isBroad, `${bytes} bytes`);
  }
  breadth.forget();
  assertEquals([breadth.isBroad, breadth.timesAt(0n)], [false, 0]);
});

Deno.test("of an address only the last looks count", () => {
  const breadth = new Breadth();
  for (let i = 0; i < 3; i++) breadth.look(5n);
  assertEquals(breadth.timesAt(5n), 3);
  for (let i = 0n; i < 126n; i++) breadth.look(i + 100n);
  assertEquals(breadth.timesAt(5n), 2);
});

Deno.test("of broad code only what is found often of late is hot, and what regions are left for very often", () => {
  const hot = new HotCode({ interval: 100, found: 2, leftFor: 2 });
  for (const pc of evenly(2 ** 22, 1000)) hot.look(pc);
  assertEquals([1, 2, 3, 4].map(() => hot.look(7n)), [false, false, false, true]);
  assertEquals([1, 2, 3, 4].map(() => hot.leftFor(9n)), [false, false, false, false]);
});
