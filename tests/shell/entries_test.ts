import { assertEquals } from "@std/assert";
import { regions, splitEntries } from "../../shell/entries.ts";
import { smallSession } from "./small_session.ts";

const CASES: readonly (readonly [text: string, units: string[], open?: boolean])[] = [
  ["", [""]],
  ["call 1", ["call 1"]],
  ["call 1\ncall 2", ["call 1", "call 2"]],
  ["call 1\n\n# note\ncall 2", ["call 1", "", "# note", "call 2"]],
  ["const a = [\n1,\n]\ncall 1", ["const a = [\n1,\n]", "call 1"]],
  ["call 1\nf(() => {\n  call 2\n})", ["call 1", "f(() => {\n  call 2\n})"]],
  ["const a = [", ["const a = ["], true],
  ["call 1\n`a", ["call 1", "`a"], true],
  ["1 +", ["1 +"], true],
  ["1 +\n2", ["1 +\n2"]],
  ["a(1]\ncall 1", ["a(1]", "call 1"]],
  // Nothing but TypeScript that makes sense as a whole is one unit.
  ["[2, 1]\n  .sort()", ["[2, 1]\n  .sort()"]],
  ["const a = 1;\na + 1", ["const a = 1;\na + 1"]],
  ["= [\n1]", ["= [\n1]"]],
];

Deno.test("splitEntries() parts commands and whole pieces of TypeScript", async (t) => {
  const { session } = smallSession();
  for (const [text, units, open = false] of CASES) {
    await t.step(JSON.stringify(text), async () => {
      assertEquals(await splitEntries(session, text), { units, open });
    });
  }
});

Deno.test("splitEntries() takes a program of a thousand lines in one go", async () => {
  const { session } = smallSession();
  const text = `f([\n${"  [1, '(', `[`],\n".repeat(1000)}])`;
  assertEquals(await splitEntries(session, text), { units: [text], open: false });
});

Deno.test("regions() goes by brackets alone", () => {
  const { session } = smallSession();
  const text = "call 1\nf(() => {\n  call 2\n})\n\ncall 3";
  assertEquals([...regions(session, text)].map(({ kind, from, to }) => [kind, text.slice(from, to)]), [
    ["command", "call 1"],
    ["typescript", "f(() => {\n  call 2\n})"],
    ["empty", ""],
    ["command", "call 3"],
  ]);
});
