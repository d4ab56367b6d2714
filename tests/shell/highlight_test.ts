import { assertEquals } from "@std/assert";
import { highlight } from "../../shell/highlight.ts";
import { smallSession } from "./small_session.ts";

/** What is typed, and its coloured parts. */
const CASES: readonly (readonly [text: string, spans: string])[] = [
  ["call 0x2a $rax --via pio", "command:call number:0x2a register:$rax option:--via"],
  ["info exits 8", "command:info exits number:8"],
  ["x/4xw 0x10", "command:x/4xw number:0x10"],
  ["out.b 0x80 1", "command:out.b number:0x80 number:1"],
  [": call 'one two' # note", "command:call string:'one two' comment:# note"],
  ["ca", "command:ca"],
  ["re", ""],
  ["loda file", "unknown:loda"],
  ["zzz", "unknown:zzz"],
  ["cons", ""],
  ["# note", "comment:# note"],
  ["const n = `a\n${1}` + 2n; // end", "keyword:const string:`a\n${1}` number:2n comment:// end"],
  ["await f($.rax, 'x', /* c */ 1e3)", "keyword:await register:$.rax string:'x' comment:/* c */ number:1e3"],
  ["f(() => {\ncall 1\n})\ncall 1", "number:1 command:call number:1"],
  ["'open", "string:'open"],
];

Deno.test("highlight() tells what each part is taken for", async (t) => {
  const { session } = smallSession();
  for (const [text, expected] of CASES) {
    await t.step(JSON.stringify(text), () => {
      const spans = highlight(session, text);
      assertEquals(
        spans.map(({ from, to, format }) => `${format}:${text.slice(from, to)}`).join(" "),
        expected,
      );
    });
  }
});

Deno.test("highlight() knows registers without their $ once there is a machine", async () => {
  const { session } = smallSession();
  await session.ready();
  session.vm;
  assertEquals(highlight(session, "call rbx rcx"), [
    { from: 0, to: 4, format: "command" },
    { from: 5, to: 8, format: "register" },
  ]);
});
