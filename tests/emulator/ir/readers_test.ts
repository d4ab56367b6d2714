/** Every operation means the same to the oracle, the interpreter and a region. */
import { assertEquals } from "@std/assert";
import { Random } from "../../support/random.ts";
import { randomForm } from "./random_form.ts";
import { CODE_AT, LENGTH, MEMORY_AT, READERS, SLOTS, toyIsa, ToyMachine } from "./toy_machine.ts";

const FORMS = 60, PROGRAM = 8, RUNS = 60, ISAS = 5;
const EDGES = [0n, 1n, 0x80n, 0xffn, 0x8000n, 0x8000_0000n, 1n << 63n, -1n];

for (let seed = 1; seed <= ISAS; seed++) {
  Deno.test(`oracle, interpreter and region agree on random definitions, seed ${seed}`, () => {
    const random = new Random(1000 * seed);
    const isa = toyIsa(
      Array.from({ length: FORMS }, (_, i) => randomForm(`form ${i}`, random, i % 4 === 0)),
    );
    const machines = READERS.map((reader) => new ToyMachine(isa, reader));
    for (let run = 0; run < RUNS; run++) {
      const code = new Uint8Array(PROGRAM * LENGTH);
      for (let i = 0; i < code.length; i++) code[i] = random.u32();
      for (let i = 0; i < PROGRAM; i++) code[i * LENGTH] = random.below(FORMS);
      const slots = Array.from(
        { length: SLOTS },
        () => random.below(2) === 0 ? random.pick(EDGES) : random.u64(),
      );
      const memory = Uint8Array.from({ length: CODE_AT - MEMORY_AT }, () => random.u32());
      const [oracle, ...others] = machines.map((machine) => machine.run(code, slots, memory, 20));
      for (const [i, other] of others.entries()) {
        assertEquals(other, oracle, `seed ${seed}, run ${run}: ${READERS[i + 1]} differs from the oracle`);
      }
    }
  });
}
