/**
 * Interrupts of guests: the same on the interpreter, with a compiled region and on the oracle, and in one run or in
 * pieces of any length.
 */
import { assertEquals } from "@std/assert";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { ENGINES, fullTrace, inPieces, lengths, machine } from "./guests.ts";
import { GUESTS } from "./delivery_guests.ts";

/** Guests of PowerPC end in a loop: they are run for so long. */
const LONG = 6_000;

for (const [name, source] of Object.entries(GUESTS)) {
  Deno.test(`${name}: three engines, and runs in pieces, are alike`, async () => {
    const endless = source.options.arch === "ppc";
    const run = async (vm: Vm, next: () => number) => {
      if (!endless) return await inPieces(vm, next);
      for (;;) {
        const left = LONG - vm.vcpu.instructions;
        const stop = await vm.run({ instructions: Math.min(left, next()) });
        if (stop.reason !== "BUDGET" || vm.vcpu.instructions === LONG) return { ...stop, message: "" };
      }
    };
    const reference = machine(source, "interpreter");
    const expected = fullTrace(reference, await run(reference, () => 1_000_000));
    source.check(reference);
    for (const engine of ENGINES) {
      for (const [seed, most] of [[0, 1_000_000], [1, 1], [2, 3], [3, 40], [4, 700]]) {
        const vm = machine(source, engine);
        const next = most === 1_000_000 ? () => most : lengths(seed, most);
        assertEquals(fullTrace(vm, await run(vm, next)), expected, `${engine}, pieces of up to ${most}`);
      }
    }
  });
}
