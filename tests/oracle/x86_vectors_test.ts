/**
 * A real 80286 in real mode: `../shared/vectors`, read where it is, skipped visibly where it is not. What is compared
 * and what is left out is said in `vectors/x86_cases.ts`.
 */
import { assertEquals } from "@std/assert";
import { vectorText } from "./vectors/vectors.ts";
import { runX86Vectors } from "./vectors/x86_cases.ts";

const FILE = new URL("../../../shared/vectors/x86_real_mode_286.ndjson.gz", import.meta.url);
/** Share of the cases that may be left out or masked. */
const LIMIT = 0.02;

Deno.test({
  name: "real-mode instructions do what an 80286 does",
  ignore: !exists(FILE),
  fn() {
    const text = vectorText(Deno.readFileSync(FILE));
    for (const engine of ["interpreter", "oracle"] as const) {
      const { passed, failed, excluded, masked, unlocked } = runX86Vectors(text, engine);
      const left = [...excluded.values()].reduce((sum, n) => sum + n, 0);
      console.log(
        `80286 vectors, ${engine}: ${passed} passed, ${failed.length} failed, ${left} excluded, ` +
          `${masked} passed with undefined flags masked, ${unlocked} run without LOCK`,
      );
      for (const [why, count] of excluded) console.log(`  ${count} excluded: ${why}`);
      assertEquals(failed.slice(0, 20), []);
      const total = passed + left;
      assertEquals(
        masked + left <= LIMIT * total,
        true,
        `${masked + left} of ${total} say less than they could`,
      );
    }
  },
});

function exists(file: URL): boolean {
  try {
    return Deno.statSync(file).isFile;
  } catch {
    return false;
  }
}
