/** Segmented code on the three engines: random instructions in random segments leave the same. */
import { assertEquals } from "@std/assert";
import { type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import { x86Pool } from "../../oracle/samples.ts";
import { Random } from "../../support/random.ts";
import { CS } from "../../../emulator/x86/slots.ts";
import { INT3, randomCase, runCase } from "./segment_cases.ts";
import { CaseEngine } from "./segment_engine.ts";

const VARIANTS: readonly VariantName[] = [
  "x86-16v",
  "x86-16p",
  "x86-16p-ss32",
  "x86-32s",
  "x86-32s-ss16",
  "x86-32",
];
const CI_CASES = { interpreter: 600, region: 150 }, SEED = 1986;

for (const variant of VARIANTS) {
  Deno.test(`${variant}: oracle, interpreter and regions agree on random cases`, () => {
    const random = new Random(SEED + VARIANTS.indexOf(variant));
    const pool = [...x86Pool(variantNamed(variant).mode, random, 20_000).accepted.values()];
    for (const kind of ["interpreter", "region"] as const) {
      const engine = new CaseEngine(variant, kind);
      for (let n = 0; n < CI_CASES[kind];) {
        const one = randomCase(
          variant,
          [random.pick(random.pick(pool)), random.pick(random.pick(pool))],
          random,
        );
        // The program counter of virtual-8086 mode has 16 bits.
        if (one.code[0] === INT3 || (variant === "x86-16v" && one.segments[CS].limit > 0xffff)) continue;
        const ours = runCase(one);
        if (ours === undefined) continue;
        n++;
        assertEquals(engine.run(one), ours, `${kind}, case ${n}`);
      }
    }
  });
}
