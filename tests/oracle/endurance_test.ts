/**
 * Random worlds in every mode: whatever they do, the host goes on, every stop is one of the documented ones, and a
 * second run leaves the same ledger, registers and memory, as does one on the oracle. `TRAPSH_CASES` (instructions a mode) makes it longer;
 * `endurance_main.ts` does so in parallel processes, which a host that hangs does not take down.
 */
import { assert, assertEquals } from "@std/assert";
import { endOfWorld, type WorldEnd } from "./endurance.ts";
import { runChunk } from "./endurance_chunk.ts";
import { ENDURANCE_MODES } from "./endurance_modes.ts";

const CI = { instructions: 30_000, length: 10_000 };
const NIGHTLY_LENGTH = 500_000;
/** The oracle executes some 20,000 instructions a second. */
const ORACLE_LENGTH = 3_000;

for (const mode of ENDURANCE_MODES) {
  Deno.test(`${mode.name}: random worlds end in documented stops, and twice in the same state`, async () => {
    const wanted = Number(Deno.env.get("TRAPSH_CASES") ?? 0);
    const { instructions, length } = wanted > 0 ? { instructions: wanted, length: NIGHTLY_LENGTH } : CI;
    const ends: WorldEnd[] = [];
    await runChunk(mode, { first: 0, step: 1, instructions, length }, {
      begin() {},
      end: (_world, end) => void ends.push(end),
    });
    const executed = ends.reduce((sum, end) => sum + end.instructions, 0);
    const exits = ends.reduce((sum, end) => sum + end.exits, 0);
    console.log(`${mode.name}: ${executed} instructions twice in ${ends.length} worlds, ${exits} exits`);
    assert(executed > instructions / 2);
    assert(exits > 0);
  });
}

for (const mode of ENDURANCE_MODES) {
  Deno.test(`${mode.name}: a random world is the same on the oracle`, async () => {
    const oracle = { ...mode, options: { ...mode.options, engine: "oracle" as const } };
    const [fast, slow] = [
      await endOfWorld(mode, 1, ORACLE_LENGTH),
      await endOfWorld(oracle, 1, ORACLE_LENGTH),
    ];
    assertEquals(fast, slow);
  });
}
