/** The quick ways of floating-point arithmetic against the exact one; `TRAPSH_CASES` makes a longer run. */
import { assert, assertEquals } from "@std/assert";
import { add, divide, multiply, subtract } from "../../../emulator/ppc/float/arithmetic.ts";
import { fastAdd, fastDivide, fastMultiply, fastSubtract } from "../../../emulator/ppc/float/fast.ts";
import { Status } from "../../../emulator/ppc/float/fpscr.ts";
import { DOUBLE } from "../../../emulator/ppc/float/round.ts";
import { near, randomFloat } from "./random_floats.ts";
import { randomNumbers } from "./random_words.ts";

const PAIRS = [
  { name: "add", quick: fastAdd, exact: add, second: 1 },
  { name: "subtract", quick: fastSubtract, exact: subtract, second: 1 },
  { name: "multiply", quick: fastMultiply, exact: multiply, second: 2 },
  { name: "divide", quick: fastDivide, exact: divide, second: 1 },
] as const;

const CASES = Math.max(20_000, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

for (const { name, quick, exact, second } of PAIRS) {
  Deno.test(`the quick way to ${name} gives the exact way's result and status, or none`, () => {
    const next = randomNumbers(0x1985_0754), wrong: string[] = [];
    let taken = 0;
    for (let index = 0; index < CASES; index++) {
      const a = randomFloat(next, next() % 4 === 0),
        b = next() % 8 ? randomFloat(next, false) : near(a, next);
      const one = new Status(0x80), other = new Status(0x80);
      const found = quick(one, second === 1 ? [a, b, 0n] : [a, 0n, b]);
      if (found === undefined) {
        assertEquals(one.bits, 0x80);
        continue;
      }
      taken++;
      const expected = exact({ status: other, format: DOUBLE }, a, b);
      if (found !== expected || one.bits !== other.bits) {
        wrong.push(
          [a, b, found, expected, one.bits, other.bits].map((value) => value?.toString(16)).join(" "),
        );
      }
    }
    assertEquals(wrong.slice(0, 10), []);
    assert(taken > CASES / 5, `only ${taken} cases took the quick way`);
  });
}
