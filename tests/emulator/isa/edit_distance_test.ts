import { assertEquals, assertStringIncludes } from "@std/assert";
import { didYouMean, editDistance, nearestWord } from "../../../emulator/isa/edit_distance.ts";

Deno.test("editDistance() counts insertions, deletions, replacements and swaps", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["mov", "mvo", 1],
    ["kitten", "sitting", 3],
    ["abcd", "badc", 2],
    ["same", "same", 0],
  ];
  for (const [a, b, distance] of cases) {
    assertEquals(editDistance(a, b), distance);
    assertEquals(editDistance(b, a), distance);
  }
});

Deno.test("editDistance() stops beyond its limit", () => {
  assertEquals(editDistance("abcdef", "uvwxyz", 2), 3);
  assertEquals(editDistance("a", "abcdef", 2), 3);
  assertEquals(editDistance("abcd", "badc", 2), 2);
});

Deno.test("nearestWord() wants a near one", () => {
  assertEquals(nearestWord("MVO", ["add", "mov"]), "mov");
  assertEquals(nearestWord("hypercal", ["hyper", "hypercall"]), "hypercall");
  assertEquals(nearestWord("x", ["y"]), undefined);
  assertEquals(nearestWord("zzz", ["add", "mov"]), undefined);
});

Deno.test("didYouMean() is a tail for a message", () => {
  assertStringIncludes("no device" + didYouMean("ehco", ["echo"]), 'did you mean "echo"?');
  assertEquals(didYouMean("ehco", []), "");
});
