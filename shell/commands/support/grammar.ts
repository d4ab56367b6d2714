/** The few shapes that the commands' grammars are put together from. */
import { argument, command } from "@optique/core/primitives";
import { multiple, optional } from "@optique/core/modifiers";
import type { NonEmptyString } from "@optique/core/nonempty";
import { choice, string } from "@optique/core/valueparser";

/** One word of any kind. */
export const word = (metavar: NonEmptyString) => argument(string({ metavar }));

/** One word, or none. */
export const maybeWord = (metavar: NonEmptyString) => optional(word(metavar));

/** All words that are left, at least `min` of them. */
export const words = (metavar: NonEmptyString, min = 0) => multiple(word(metavar), { min });

/** One of a few fixed words. */
export const oneOf = <const T extends string>(choices: readonly T[], metavar: NonEmptyString) =>
  argument(choice(choices, { metavar }));

/** A fixed word and the word after it, as in `at ADDR`. */
export const keyword = (name: string, metavar: NonEmptyString) => optional(command(name, word(metavar)));

/** A fixed word and one of a few after it, as in `via pio`. */
export const keywordOf = <const T extends string>(
  name: string,
  choices: readonly T[],
  metavar: NonEmptyString,
) => optional(command(name, oneOf(choices, metavar)));
