import { assertEquals, assertThrows } from "@std/assert";
import {
  parseExamine,
  readUnit,
  showUnit,
  unitsPerLine,
} from "../../../../shell/commands/support/examine_format.ts";

Deno.test("parseExamine() takes count, format and unit in gdb's way", () => {
  assertEquals(parseExamine("/8xw"), { count: 8, letter: "x", unit: 4 });
  assertEquals(parseExamine("/4gx"), { count: 4, letter: "x", unit: 8 });
  assertEquals(parseExamine("/10i"), { count: 10, letter: "i", unit: 4 });
  assertEquals(parseExamine("/s"), { count: 1, letter: "s", unit: 4 });
  assertEquals(parseExamine("/3c"), { count: 3, letter: "c", unit: 1 });
});

Deno.test("parseExamine() keeps the last format and unit, but not the count", () => {
  const last = { count: 8, letter: "d", unit: 2 } as const;
  assertEquals(parseExamine("/", last), { count: 1, letter: "d", unit: 2 });
  assertEquals(parseExamine("/x", last), { count: 1, letter: "x", unit: 2 });
});

Deno.test("parseExamine() names the letter that means nothing, and the count that is none", () => {
  assertThrows(() => parseExamine("/8q"), SyntaxError, '"q"');
  assertThrows(() => parseExamine("/8xx"), SyntaxError, "twice");
  assertThrows(() => parseExamine("/0x"), RangeError, "between 1 and");
  assertThrows(() => parseExamine("/-1x"), SyntaxError, "/NFU");
});

Deno.test("readUnit() reads either byte order", () => {
  const bytes = Uint8Array.of(0x12, 0x34, 0x56, 0x78);
  assertEquals(readUnit(bytes, 0, 4, "le"), 0x78563412n);
  assertEquals(readUnit(bytes, 0, 4, "be"), 0x12345678n);
  assertEquals(readUnit(bytes, 2, 2, "be"), 0x5678n);
});

Deno.test("showUnit() shows each format", () => {
  const show = (letter: "x" | "d" | "u" | "o" | "t" | "c", unit: 1 | 2 | 4 | 8, value: bigint) =>
    showUnit(value, { count: 1, letter, unit }).trim();
  assertEquals(show("x", 2, 0xabn), "0x00ab");
  assertEquals(show("d", 1, 0xffn), "-1");
  assertEquals(show("u", 1, 0xffn), "255");
  assertEquals(show("o", 1, 8n), "0010");
  assertEquals(show("t", 1, 5n), "00000101");
  assertEquals(show("c", 1, 65n), "65 'A'");
  assertEquals(show("c", 1, 0n), "0 '\\000'");
});

Deno.test("unitsPerLine() follows gdb", () => {
  assertEquals(([1, 2, 4, 8] as const).map((unit) => unitsPerLine({ count: 1, letter: "x", unit })), [
    8,
    8,
    4,
    2,
  ]);
});
