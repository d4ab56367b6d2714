/** What a command's grammar expects after some words: for hints, and for Tab where a kind of word says enough. */
import { formatUsage, type Usage, type UsageTerm } from "@optique/core/usage";
import type { Command } from "./command.ts";

/** The terms that are left of `command`'s usage after whole `words`: arguments, then keywords, then options. */
export function expectedAfter(command: Command, words: readonly string[]): Usage {
  const rank = (term: UsageTerm) => firstOf(term).type === "option" ? 2 : isKeyword(term) ? 1 : 0;
  let terms: UsageTerm[] = command.grammar.usage.toSorted((a, b) => rank(a) - rank(b));
  for (const word of words) {
    if (word === "--json") continue;
    const at = terms.findIndex((term) => takes(term, word));
    if (at < 0) continue;
    const [term] = terms.splice(at, 1);
    terms = [...restOf(term), ...terms];
  }
  return terms;
}

/** One line of usage without the command's name; empty for nothing more. */
export function usageText(terms: Usage): string {
  // One by one, as it has an order of its own; and it wants a name to begin with.
  return terms.map((term) => formatUsage("x", [term]).slice(1).trim()).join(" ").replaceAll(/\s+/g, " ");
}

/** What the next word may be, by the names in the grammar: `["NAME", "FILE"]` for `NAME|FILE`. */
export function nextMetavars(terms: Usage): readonly string[] {
  const next = terms.map(firstOf).find((term) => term.type === "argument");
  return next?.type === "argument" ? next.metavar.split(/[| ]/) : [];
}

/** What a word must meet first: the argument within `[ARG...]`, the keyword within `[at ADDR]`. */
function firstOf(term: UsageTerm): UsageTerm {
  return (term.type === "optional" || term.type === "multiple") && term.terms.length > 0
    ? firstOf(term.terms[0])
    : term;
}

function isKeyword(term: UsageTerm): boolean {
  return firstOf(term).type === "command";
}

function takes(term: UsageTerm, word: string): boolean {
  const first = firstOf(term);
  switch (first.type) {
    case "option":
      return first.names.some((name) => name === word);
    case "command":
      return first.name === word;
    case "argument":
      return !word.startsWith("--");
    default:
      return false;
  }
}

/** What follows the first word of a term. */
function restOf(term: UsageTerm): readonly UsageTerm[] {
  switch (term.type) {
    case "optional":
      return term.terms.length === 0 ? [] : [...restOf(term.terms[0]), ...term.terms.slice(1)];
    case "multiple":
      return [{ ...term, min: 0 }];
    case "option":
      return term.metavar === undefined ? [] : [{ type: "argument", metavar: term.metavar }];
    default:
      return [];
  }
}
