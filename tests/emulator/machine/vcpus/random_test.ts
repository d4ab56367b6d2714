/**
 * Random guests of several vCPUs that share memory, a device and an interrupt controller: the same ledger on every
 * engine, in pieces of random lengths, and where the device answers later.
 */
import { assert } from "@std/assert";
import { inPieces, trace } from "./guests.ts";
import { guest, type How, numbers } from "./random_guest.ts";

const LIMIT = 12_000;

const HOWS: readonly How[] = [
  { engine: "interpreter", pieces: 0, later: false },
  { engine: "interpreter", pieces: 5, later: false },
  { engine: "interpreter", pieces: 9, later: true },
  { engine: "region", pieces: 0, later: false },
  { engine: "region", pieces: 7, later: false },
  { engine: "oracle", pieces: 0, later: false },
];

for (let seed = 1; seed <= 8; seed++) {
  const vcpus = 1 + seed % 4;
  Deno.test(`a random guest leaves the same however it is executed: ${vcpus} vCPUs, seed ${seed}`, async () => {
    let first: string | undefined;
    for (const how of HOWS) {
      const vm = guest(seed, vcpus, how);
      const n = numbers(seed + how.pieces);
      let left = LIMIT;
      const stop = await inPieces(vm, () => {
        const piece = how.pieces === 0 ? left : Math.min(left, 1 + n(2000));
        left -= piece;
        return piece;
      }, LIMIT);
      const text = JSON.stringify(
        trace(vm, stop),
        (_key, part) => typeof part === "bigint" ? part.toString(16) : part,
      );
      first ??= text;
      assert(text === first, `${JSON.stringify(how)} leaves something else`);
    }
  });
}
