import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../../shell/errors.ts";
import {
  cellCount,
  cellSeed,
  checkParameters,
  override,
  parseSettings,
  parseShard,
  parseValues,
  randomFrom,
  valuesOf,
  workOrder,
} from "../../../shell/sweeps/product.ts";

const PARAMETERS = { arch: ["x86", "ppc"], size: [1, 8, 64] };

Deno.test("valuesOf(): the last parameter changes fastest", () => {
  assertEquals(cellCount(PARAMETERS), 6);
  const cells = Array.from({ length: 6 }, (_, i) => Object.values(valuesOf(PARAMETERS, i)).join(" "));
  assertEquals(cells, ["x86 1", "x86 8", "x86 64", "ppc 1", "ppc 8", "ppc 64"]);
});

Deno.test("workOrder(): shards are a partition, alike each time, and as long as can be", () => {
  for (const count of [1, 2, 7, 500]) {
    assertEquals(workOrder(count).toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
    for (const parts of [1, 2, 3, 4, 9]) {
      const shards = Array.from({ length: parts }, (_, i) => workOrder(count, { index: i + 1, of: parts }));
      assertEquals(shards.flat().toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
      const lengths = shards.map(({ length }) => length);
      assert(Math.max(...lengths) - Math.min(...lengths) <= 1);
    }
  }
  // Not by the last parameter's value: a shard of large sizes only would take longest.
  const sizes = new Set(workOrder(300, { index: 1, of: 3 }).map((cell) => cell % 3));
  assertEquals(sizes.size, 3);
});

Deno.test("cellSeed() and randomFrom() depend on the index alone", () => {
  const seeds = new Set(Array.from({ length: 10_000 }, (_, i) => cellSeed(i)));
  assertEquals(seeds.size, 10_000);
  const numbers = (seed: number) => Array.from({ length: 1000 }, randomFrom(seed));
  assertEquals(numbers(5), numbers(5));
  assert(numbers(5).every((number) => number >= 0 && number < 1));
  const mean = numbers(6).reduce((sum, number) => sum + number, 0) / 1000;
  assert(Math.abs(mean - 0.5) < 0.05, String(mean));
});

const VALUES: readonly (readonly [text: string, values: unknown[]])[] = [
  ["1,8,64", [1, 8, 64]],
  ["1..4", [1, 2, 3, 4]],
  ["-1..1", [-1, 0, 1]],
  ["0..20+8", [0, 8, 16]],
  ["1..64*4", [1, 4, 16, 64]],
  ["0,1..3,9", [0, 1, 2, 3, 9]],
  ["0x10", [16]],
  ["1.5,-2", [1.5, -2]],
  ["vmx,svm", ["vmx", "svm"]],
  ["true,false", [true, false]],
  ["a.json", ["a.json"]],
];

for (const [text, values] of VALUES) {
  Deno.test(`parseValues(${JSON.stringify(text)})`, () => assertEquals(parseValues(text), values));
}

Deno.test("parseSettings() and override(): other values, in the module's order", () => {
  const set = parseSettings(["size=2,4", "arch=ppc"]);
  assertEquals(override(PARAMETERS, set, "it"), { arch: ["ppc"], size: [2, 4] });
  assertEquals(Object.keys(override(PARAMETERS, set, "it")), ["arch", "size"]);
});

const WRONG: readonly (readonly [what: string, work: () => unknown, message: string])[] = [
  [
    "a slip in a name",
    () => override(PARAMETERS, { szie: [1] }, "it"),
    'it has no parameter "szie": did you mean "size"?',
  ],
  ["an unknown name", () => override(PARAMETERS, { color: [1] }, "it"), "there are arch, size"],
  ["no name", () => parseSettings(["=1"]), "is not NAME=VALUES"],
  ["no values", () => parseSettings(["size="]), "A value is missing"],
  ["a hole", () => parseValues("1,,2"), "A value is missing"],
  ["a range down", () => parseValues("9..1"), "does not go up"],
  ["a range by 1", () => parseValues("1..9*1"), "does not go up"],
  ["an endless range", () => parseValues("0..9*2"), "does not go up"],
  ["a long range", () => parseValues("0..1000000000"), "too many values"],
  ["many cells", () => cellCount({ a: parseValues("1..9000"), b: parseValues("1..9000") }), "81000000 cells"],
  ["no object", () => checkParameters(undefined, "it"), "it: parameters is an object of arrays"],
  ["none", () => checkParameters({}, "it"), "there are no parameters"],
  ["an empty one", () => checkParameters({ a: [] }, "it"), "the parameter a is no array"],
  ["one twice", () => checkParameters({ a: [1, 1] }, "it"), "has the value 1 twice"],
  ["not a number", () => checkParameters({ a: [Number.NaN] }, "it"), "has the value NaN"],
  ["an object", () => checkParameters({ a: [{}] }, "it"), "can be swept"],
  ["a bad name", () => checkParameters({ "a b": [1] }, "it"), '"a b" is no name'],
  ["shard 0", () => parseShard("0/4"), "is not I/N"],
  ["shard 5/4", () => parseShard("5/4"), "is not I/N"],
  ["a shard of words", () => parseShard("one"), "is not I/N"],
];

for (const [what, work, message] of WRONG) {
  Deno.test(`sweep parameters: ${what} is an error`, () => void assertThrows(work, UserError, message));
}
