import { assertEquals } from "@std/assert";
import { classify } from "../../shell/classify.ts";
import { smallTable } from "./small_table.ts";

const SESSION_NAMES = new Set(["vm", "io", "exits", "vcpu", "session", "$", "mine", "re"]);

const CASES: readonly (readonly [line: string, kind: "command" | "typescript" | "empty", why: string])[] = [
  ["", "empty", "nothing"],
  ["   ", "empty", "blanks"],
  ["# a comment", "empty", "comment of commands"],
  ["// a comment", "empty", "comment of TypeScript"],
  ["call 1 0x2a", "command", "name and words"],
  ["call", "command", "name alone"],
  ["  regs", "command", "leading blanks"],
  ["regs", "command", "name alone, even if a name of TypeScript too"],
  ["run", "command", "name alone"],
  ["r", "command", "alias"],
  ["c", "command", "alias, though call and continue begin so"],
  ["ca 1", "command", "a beginning of one name"],
  ["x/8xw 0x1000", "command", "suffix of x"],
  ["x/8xw", "command", "suffix alone"],
  ["x 0x1000", "command", "x without its suffix"],
  ["out.b 0x80 1", "command", "suffix of out"],
  ["in.l 0x60", "command", "suffix of in, though in is reserved"],
  ["in 0x60", "command", "full names count even if reserved"],
  ["continue", "command", "full names count even if reserved"],
  ["continue const x = 5", "typescript", "two reserved words, as in export const"],
  ["continue { a }", "typescript", "a reserved word and a brace, as in export { a }"],
  ["info exits", "command", "two words"],
  ["inf ex", "command", "beginnings of two words"],
  ["info", "command", "first of two words: an error that names both"],
  ["exits reset", "command", "two words, though exits is a name of the session"],
  ["? exits", "command", "alias that is no word"],
  ["call -1", "command", "a negative number is a value"],
  ["x *p", "command", "an operator glued to a word is part of it"],
  ["asm mov eax, 1", "command", "commas further on"],
  [":call(1)", "command", "forced"],
  [": x = 5", "command", "forced"],
  ["call(1)", "typescript", "a call"],
  ["call.length", "typescript", "call takes no suffix"],
  ["call;", "typescript", "semicolon"],
  ["x = 5", "typescript", "assignment"],
  ["x=5", "typescript", "assignment"],
  ["x += 1", "typescript", "assignment"],
  ["x == 5", "typescript", "comparison"],
  ["x => 5", "typescript", "arrow"],
  ["x + 1", "typescript", "operator alone"],
  ["run - 1", "typescript", "operator alone"],
  ["x ? 1 : 2", "typescript", "operator alone"],
  ["x && y", "typescript", "operator alone"],
  ["x, y", "typescript", "comma"],
  ["x instanceof Map", "typescript", "operator of letters"],
  ["x.y", "typescript", "x takes another suffix"],
  ["out.b(1)", "typescript", "a call of a member"],
  ["const a = 1", "typescript", "reserved, though continue begins with co"],
  ["await io.open('echo')", "typescript", "reserved"],
  ["vm", "typescript", "a name of the session"],
  ["exits", "typescript", "a name of the session, and only the first of two words"],
  ["exits.totals()", "typescript", "a member"],
  ["re", "typescript", "declared at the prompt; an ambiguous beginning"],
  ["mine + 1", "typescript", "no command"],
  ["[1, 2].map(String)", "typescript", "no word"],
  ["`text`", "typescript", "no word"],
  ["1 + 1", "typescript", "no word"],
  ["{ a: 1 }", "typescript", "no word"],
  ["hello", "typescript", "unknown"],
  ["=regs", "typescript", "forced"],
  ["= call 1", "typescript", "forced"],
];

for (const [line, kind, why] of CASES) {
  Deno.test(`classify(${JSON.stringify(line)}) is ${kind}: ${why}`, () => {
    assertEquals(classify(line, smallTable, (name) => SESSION_NAMES.has(name)).kind, kind);
  });
}

Deno.test("classify() takes the escape off", () => {
  assertEquals(classify(": call 1", smallTable, () => false), {
    kind: "command",
    text: "call 1",
    forced: true,
  });
  assertEquals(classify("= call", smallTable, () => false), {
    kind: "typescript",
    text: "call",
    forced: true,
  });
});
