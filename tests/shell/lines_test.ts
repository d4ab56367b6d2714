import { assertEquals } from "@std/assert";
import { linesOf, runLines } from "../../shell/lines.ts";
import { stringSink } from "../../shell/sinks.ts";
import { smallSession } from "./small_session.ts";

async function run(lines: readonly string[], name?: string) {
  const { session, out } = smallSession();
  const err = stringSink();
  const status = await runLines(session, { name, lines }, err);
  session.close();
  return { status, out: out.text, err: err.text };
}

Deno.test("runLines() does each line", async () => {
  assertEquals(await run(["call 1", "# note", "", "1 + 1"]), { status: 0, out: "call(1)\n2\n", err: "" });
});

Deno.test("runLines() ends at the first failure, with its place", async () => {
  assertEquals(await run(["call 1", "call 5", "call 2"], "demo.trapsh"), {
    status: 1,
    out: "call(1)\n",
    err: "demo.trapsh:2: error: RangeError: There is no function 5: functions are 0 to 4\n",
  });
});

Deno.test("runLines() goes on over several lines of TypeScript", async () => {
  const lines = ["function twice(n: number) {", "", "  return 2 * n;", "}", "twice(4)"];
  assertEquals(await run(lines), { status: 0, out: "8\n", err: "" });
});

Deno.test("runLines() tells where unfinished TypeScript began", async () => {
  const { status, err } = await run(["call 1", "twice(", "1"], "f");
  assertEquals([status, err], [1, "f:2: error: SyntaxError: The input ends in the middle of:\n  twice(\n"]);
});

Deno.test("runLines() ends at quit with its status", async () => {
  assertEquals(await run(["quit 3", "call 1"]), { status: 3, out: "", err: "" });
});

Deno.test("linesOf() splits at line breaks wherever chunks end", async () => {
  const chunks = ["a\nb", "c\r\n", "\nd"].map((text) => new TextEncoder().encode(text));
  assertEquals(await Array.fromAsync(linesOf(ReadableStream.from(chunks))), ["a", "bc", "", "d"]);
});
