/** Oracle, interpreter and regions on random little-endian programs, made of every record's words. */
import { assert, assertEquals } from "@std/assert";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { wordBytes } from "../../../emulator/ppc/word.ts";
import { difference, EXECUTORS, randomState, TrialMachine } from "../../oracle/trial.ts";
import { RAM } from "../../oracle/trial.ts";
import { Random } from "../../support/random.ts";
import { randomNumbers, randomWord } from "./random_words.ts";

const PROGRAMS = 600, LENGTH = 8;

for (const mode of [32, 64] as const) {
  Deno.test(`oracle, interpreter and regions agree on random ppc${mode}le programs`, () => {
    const where = { arch: "ppc", mode, order: "le", backend: mode === 64 ? "kvm-hv" : "kvm-pr" } as const;
    const machines = EXECUTORS.map((executor) => new TrialMachine(where, executor));
    const next = randomNumbers(0x1e_0000 + mode), random = new Random(mode), isa = ppcIsa(mode, "le");
    const here = DEFINITIONS.filter(({ only }) => only === undefined || only === mode);
    let executed = 0;
    for (let count = 0; count < PROGRAMS; count++) {
      const words: Uint8Array[] = [];
      while (words.length < LENGTH) {
        const bytes = wordBytes(randomWord(here[next() % here.length], next), "le");
        if (!("undecodable" in isa.decode(bytes, 0n))) words.push(bytes);
      }
      const program = Uint8Array.from(words.flatMap((bytes) => [...bytes]));
      const state = randomState(machines[0].vm, random);
      const memory = Uint8Array.from({ length: RAM }, (_, index) => index % 3 ? 0 : random.u32() & 255);
      const [first, ...others] = machines.map((machine) => machine.run({ program, state, memory }));
      const texts = words.map((bytes) => isa.disassemble(bytes, 0x2000n)?.text).join("; ");
      for (const other of others) assertEquals(difference(first, other), undefined, texts);
      executed += first.instructions;
    }
    assert(executed > PROGRAMS, `only ${executed} instructions`);
  });
}
