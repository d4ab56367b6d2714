import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { diffLines } from "../../../emulator/exits/row_diff.ts";

const diff = (left: readonly string[], right: readonly string[]) =>
  diffLines(left.length, right.length, (i, j) => left[i] === right[j], (i) => left[i], (j) => right[j]);

Deno.test("diffLines() aligns what agrees", () => {
  assertEquals(diff([..."abc"], [..."abc"]), undefined);
  assertEquals(diff([..."abd"], [..."acd"])!.map(({ mark, text }) => mark + text), [" a", "-b", "+c", " d"]);
  assertEquals(diff([], ["x"]), [{ mark: "+", text: "x" }]);
});

Deno.test("diffLines() gives each side back", () => {
  const items = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 4 });
  fc.assert(
    fc.property(items, items, (left, right) => {
      const lines = diff(left, right) ?? left.map((text) => ({ mark: " " as const, text }));
      // With at most three items around each difference nothing is left out here but a long common beginning.
      if (lines.some(({ text }) => text.startsWith("..."))) return;
      assertEquals(lines.filter(({ mark }) => mark !== "+").map(({ text }) => text), left);
      assertEquals(lines.filter(({ mark }) => mark !== "-").map(({ text }) => text), right);
    }),
    { numRuns: 200, seed: 1 },
  );
});

Deno.test("diffLines() compares long lists place by place", () => {
  const left = Array.from({ length: 1500 }, (_, i) => `l${i}`);
  const right = left.map((text, i) => i % 2 === 0 ? `r${i}` : text);
  const lines = diff(left, right)!;
  assertEquals(lines.filter(({ mark }) => mark === "-").length, 750);
  assertEquals(lines.filter(({ mark }) => mark === "+").length, 750);
});
