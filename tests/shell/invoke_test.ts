import { assertEquals, assertThrows } from "@std/assert";
import { parseCommand, render, usageOf } from "../../shell/invoke.ts";
import { hex, toJson } from "../../shell/json.ts";
import { plain } from "../../shell/style.ts";
import { smallTable } from "./small_table.ts";

const parse = (line: string) => {
  const { command, args, json } = parseCommand(smallTable, line);
  const { words, via } = args as { words: readonly string[]; via?: string };
  return { name: command.name, words, via, json };
};

Deno.test("parseCommand() gives the words to the grammar", () => {
  assertEquals(parse(`call 1 "a b"`), { name: "call", words: ["1", "a b"], via: undefined, json: false });
  assertEquals(parse("call --via pio 1"), { name: "call", words: ["1"], via: "pio", json: false });
  assertEquals(parse("x/8xw 0x1000"), { name: "x", words: ["/8xw", "0x1000"], via: undefined, json: false });
  assertEquals(parse(`asm mov al, 'a' ; "x  y"`).words, ["mov", "al,", "'a'", ";", '"x  y"']);
});

Deno.test("parseCommand() takes --json off wherever it stands", () => {
  assertEquals(parse("call --json 1"), { name: "call", words: ["1"], via: undefined, json: true });
  assertEquals(parse("call 1 -2 --json"), { name: "call", words: ["1", "-2"], via: undefined, json: true });
  assertEquals(parse("call -- --json"), { name: "call", words: ["--json"], via: undefined, json: false });
});

Deno.test("parseCommand() takes negative numbers for values", () => {
  assertEquals(parse("call -1 -$rax -(2)").words, ["-1", "-$rax", "-(2)"]);
});

Deno.test("parseCommand() shows the usage with what is wrong", () => {
  assertThrows(
    () => parse("call --vai pio"),
    SyntaxError,
    "Did you mean --via?; usage: call [--via TYPE] [--json] [WORD...]",
  );
  assertThrows(
    () => parse("open --via car echo"),
    SyntaxError,
    "Expected one of hypercall, pio, and mmio, but got car",
  );
  assertThrows(() => parse("quit 300"), SyntaxError, "less than or equal to 255");
  assertThrows(() => parse("cal1"), ReferenceError, 'no command "cal1": did you mean call?');
});

Deno.test("usageOf() leaves --json out where output is no data", () => {
  assertEquals(usageOf(smallTable.get("quit")!), "quit [STATUS]");
});

Deno.test("render() prints text or JSON", () => {
  const command = smallTable.get("call")!;
  const data = { words: ["1"], via: "pio", n: 42n };
  assertEquals(render({ command, args: {}, json: false }, data, plain, false), "call(1) via pio\n");
  const json = '{\n  "words": [\n    "1"\n  ],\n  "via": "pio",\n  "n": "0x2a"\n}\n';
  assertEquals(render({ command, args: {}, json: true }, data, plain, false), json);
  assertEquals(render({ command, args: {}, json: false }, data, plain, true), json);
});

Deno.test("toJson() gives each kind of value one shape", () => {
  const data = { big: 2n ** 64n, bytes: Uint8Array.of(1, 255), map: new Map([["a", 1n]]), set: new Set([1]) };
  assertEquals(JSON.parse(toJson(data)), {
    big: "0x10000000000000000",
    bytes: "01ff",
    map: { a: "0x1" },
    set: [1],
  });
  assertEquals(toJson(undefined), "null");
  assertEquals(hex(-1n), "-0x1");
});
