/**
 * `deno task vectors FILE...`: runs vector files in the formats of `../shared/vectors` and prints
 * `N passed, N failed, N excluded` for each, with the first failures in full. Exit code 1 if a case failed.
 */
import { resolve } from "node:path";
import { runVectors } from "./vectors.ts";

/** Failures that are shown of each file. */
const SHOWN = 10;

function main(files: readonly string[]): number {
  if (files.length === 0) {
    console.error("usage: deno task vectors FILE...");
    return 2;
  }
  let code = 0;
  // A task runs in the project's folder, whatever folder it was started in.
  const from = Deno.env.get("INIT_CWD") ?? ".";
  for (const file of files) {
    try {
      const { passed, failed, excluded } = runVectors(file, Deno.readFileSync(resolve(from, file)));
      const left = [...excluded.values()].reduce((sum, count) => sum + count, 0);
      console.log(`${file}: ${passed} passed, ${failed.length} failed, ${left} excluded`);
      for (const [why, count] of excluded) console.log(`  ${count} excluded: ${why}`);
      for (const one of failed.slice(0, SHOWN)) console.log(`  failed: ${one}`);
      if (failed.length > SHOWN) console.log(`  and ${failed.length - SHOWN} more`);
      if (failed.length > 0) code = 1;
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof Deno.errors.NotFound)) throw error;
      console.error(error.message);
      code = 2;
    }
  }
  return code;
}

if (import.meta.main) Deno.exit(main(Deno.args));
