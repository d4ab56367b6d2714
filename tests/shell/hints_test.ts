import { assertEquals } from "@std/assert";
import { hintFor } from "../../shell/hints.ts";
import { LiveSession } from "../../shell/live_session.ts";
import { createShellTable } from "../../shell/shell_table.ts";
import { stringSink } from "../../shell/sinks.ts";
import { plain } from "../../shell/style.ts";

const HISTORY = ["open echo via pio", "call 1 0x2a", "f(() => {\n  g();\n})"];

/** What is typed, and what is shown after it; `>` before what Right takes. */
const CASES: readonly (readonly [typed: string, hint: string | undefined])[] = [
  ["op", ">en echo via pio"],
  ["call 1", "> 0x2a"],
  ["f(", ">() => {\n  g();\n})"],
  ["disas", "m [ADDR] [COUNT]"],
  ["disasm ", "[ADDR] [COUNT]"],
  ["disasm 0x10 ", "[COUNT]"],
  ["disasm 0x10 4 ", undefined],
  ["disasm 0x10", undefined],
  ["r", " [N] [--expect REASON]"],
  ["x/4xw ", "[ADDR...]"],
  ["loadvm ", "NAME|FILE [as HYPERVISOR] [on BACKEND]"],
  ["loadvm a as ", "HYPERVISOR [on BACKEND]"],
  ["loadvm a as kvm ", "[on BACKEND]"],
  ["run --expect ", "REASON [N]"],
  ["info ex", "its [by KEY] [under PROFILE] [--us]"],
  ["info", undefined],
  ["vm.", undefined],
  ["nonsense ", undefined],
  ["echo one\ndisasm ", undefined],
];

Deno.test("hintFor() shows the newest entry that begins so, else the rest of the usage", async (t) => {
  const session = new LiveSession({ table: createShellTable(), out: stringSink(), style: plain });
  for (const [typed, expected] of CASES) {
    await t.step(JSON.stringify(typed), () => {
      const hint = hintFor(session, HISTORY, typed);
      assertEquals(hint && (hint.takes ? `>${hint.text}` : hint.text), expected);
    });
  }
});
