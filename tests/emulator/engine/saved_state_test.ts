/** Plain data through its text and back, and text that is no such data. */
import { assertEquals, assertThrows } from "@std/assert";
import { SavedFields } from "../../../emulator/engine/saved_fields.ts";
import {
  numbersToBytes,
  pack,
  rowsOfNumbers,
  type SavedState,
  unpack,
} from "../../../emulator/engine/saved_state.ts";

const through = (state: SavedState) => {
  const { text, blobs } = pack(state);
  return unpack(JSON.parse(text), blobs);
};

Deno.test("pack() and unpack() keep what JSON does not", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  const states: SavedState[] = [
    null,
    [1, -0, NaN, Infinity, -Infinity, 2 ** 60, 0.1],
    { a: 5n, b: -(2n ** 70n), $c: "$d", $$: [{ $int: "1" }], $bytes: 0, 7: bytes },
    { x: bytes, y: [new Uint8Array(0), { z: bytes }] },
  ];
  for (const state of states) assertEquals(through(state), state);
  assertEquals(Object.keys(through(JSON.parse('{"__proto__":{"a":1}}')) as object), ["__proto__"]);
});

Deno.test("pack() says where something is that is no plain data", () => {
  const circle: { [name: string]: SavedState } = {};
  circle.circle = circle;
  assertThrows(() => pack(circle), TypeError, "deep, or contains itself");
  assertThrows(() => pack({ a: [new Date(0) as never] }), TypeError, "state.a[0] is an object of Date");
  assertThrows(
    () => pack({ a: undefined as never }, "device d"),
    TypeError,
    "device d.a is of type undefined",
  );
});

Deno.test("unpack() refuses what pack() does not make", () => {
  const blob = Uint8Array.of(1);
  const deep = JSON.parse("[".repeat(100) + "]".repeat(100));
  for (
    const [json, blobs] of [
      [{ $bytes: 1 }, [blob]],
      [[{ $bytes: 0 }, { $bytes: 0 }], [blob]],
      [[{ $bytes: 1 }, { $bytes: 0 }], [blob, blob]],
      [{ $bytes: "0" }, [blob]],
      [1, [blob]],
      [{ $int: "0x1" }, []],
      [{ $int: "9".repeat(2000) }, []],
      [{ $number: "1" }, []],
      [{ $other: 1 }, []],
      [deep, []],
    ] as const
  ) assertThrows(() => unpack(json, blobs), SyntaxError);
});

Deno.test("SavedFields names the record and the field that is wrong", () => {
  const fields = new SavedFields({ n: 5, big: 2n ** 64n, list: [1, -1], bytes: Uint8Array.of(1) }, "part");
  assertEquals(fields.whole("n", 5), 5);
  assertThrows(() => fields.whole("n", 4), SyntaxError, "part.n is not a whole number from 0 to 4");
  assertThrows(() => fields.unsigned("big"), SyntaxError, "part.big is not an unsigned number of 64 bits");
  assertThrows(() => fields.wholes("list", 2), SyntaxError, "part.list");
  assertThrows(() => fields.bytes("bytes", 2), SyntaxError, "part.bytes is not 2 bytes");
  assertThrows(() => fields.fields("toString"), SyntaxError, "part.toString is not there");
  assertThrows(() => new SavedFields([], "part"), SyntaxError, "part is not there, or is no record");
});

Deno.test("tables of numbers come back row by row", () => {
  assertEquals([...rowsOfNumbers(numbersToBytes([1, 2, 3, Infinity]), 2, "t")], [[1, 2], [3, Infinity]]);
  assertThrows(() => [...rowsOfNumbers(new Uint8Array(12), 2, "the table")], SyntaxError, "the table is not");
});
