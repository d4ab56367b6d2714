/**
 * Vectors and disassembly of an outside emulator, where they are there: `../shared/vectors` beside the repository.
 * Data only; the tests are skipped, visibly, without it.
 */
import { assert, assertEquals } from "@std/assert";
import { ppcVectorRunner } from "./vector_files.ts";

const FOLDER = new URL("../../../../shared/vectors/", import.meta.url);

function textOf(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(new URL(name, FOLDER));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

for (const name of ["ppc_integer.csv", "ppc_float.csv", "ppc_disassembly.csv"]) {
  const text = textOf(name), run = ppcVectorRunner(name);
  Deno.test({
    name: `${name} holds` + (text === undefined ? " (skipped: no vectors beside the repository)" : ""),
    ignore: text === undefined,
    fn() {
      assert(run, `no runner for ${name}`);
      const { passed, failed, excluded } = run(text ?? "");
      const left = [...excluded].map(([kind, count]) => `, ${count} excluded (${kind})`).join("");
      console.log(`${name}: ${passed} passed, ${failed.length} failed${left}`);
      assertEquals(failed.slice(0, 20), []);
    },
  });
}
