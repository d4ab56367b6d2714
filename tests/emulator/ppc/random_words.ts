/** Instruction words for tests: seeded, and biased towards what encodings turn on. */
import type { Definition } from "../../../emulator/ppc/definition.ts";
import { FIELDS, setField } from "../../../emulator/ppc/fields.ts";

/** A generator of numbers below 2^32 (xorshift32); the same seed gives the same numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A word of `definition` with its fields at random; half of the time a field is at an end of its range. */
export function randomWord({ bits }: Definition, next: () => number): number {
  let word = bits.match;
  for (const name of bits.fields) {
    const { width, scale } = FIELDS[name], all = 2 ** width - 1;
    const chosen = next() % 4;
    const value = chosen === 0 ? 0 : chosen === 1 ? [1, all, all - 1, 2][next() % 4] & all : next() & all;
    word = setField(word, name, value * scale);
  }
  return word;
}
