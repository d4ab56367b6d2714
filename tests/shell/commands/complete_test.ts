import { assertEquals } from "@std/assert";
import { complete } from "../../../shell/complete.ts";
import { startSession } from "./session.ts";

/** What is typed, and the candidates that the commands themselves name. */
const CASES: readonly (readonly [line: string, candidates: string[]])[] = [
  ["exits ", ["record", "reset", "rows", "save"]],
  ["exits s", ["save"]],
  ["info b", ["break"]],
  ["help st", ["stat", "step", "stops"]],
  ["sweep call echo --over v", ["vehicle"]],
  ["sweep call echo --over vehicle,size=1,s", []],
  ["sweep call echo --over vehicle,s", ["vehicle,size"]],
  ["trace on exit mmi", ["mmio"]],
  ["timeline b", ["by"]],
  ["ring echo --doorbell h", ["hypercall"]],
  ["catch exit mmi", ["mmio"]],
];

Deno.test("complete() on the shell's own commands", async () => {
  const { session } = startSession();
  try {
    for (const [line, candidates] of CASES) {
      const found = await complete(session, line);
      assertEquals(found.candidates.map(({ text }) => text), candidates, line);
    }
  } finally {
    session.close();
  }
});
