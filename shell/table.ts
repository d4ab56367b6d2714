/** Finds a command by what was typed: names, aliases, abbreviations, suffixes. */
import { findSimilar } from "@optique/core/suggestion";
import type { Ambiguous, Command, CommandTable, Match } from "./command.ts";

/** A table of `commands`. Throws `TypeError` if two of them share a name or alias. */
export function createTable(commands: readonly Command[]): CommandTable {
  const byName = new Map<string, Command>();
  for (const command of commands) {
    for (const name of [command.name, ...command.aliases ?? []]) {
      const other = byName.get(name);
      if (other) {
        throw new TypeError(`The commands ${other.name} and ${command.name} are both called ${name}`);
      }
      byName.set(name, command);
    }
  }
  return {
    commands,
    get: (name) => byName.get(name),
    find: (words) => find(commands, byName, words),
  };
}

function find(
  commands: readonly Command[],
  byName: ReadonlyMap<string, Command>,
  typed: readonly string[],
): Match | Ambiguous | undefined {
  if (typed.length === 0) return undefined;
  const { base, suffix } = splitSuffix(typed[0]);
  const words = [base, ...typed.slice(1)];
  const takes = (command: Command) => suffix === "" || command.suffix === suffix[0];
  const match = (command: Command, length: number): Match => ({
    command,
    words: suffix ? [suffix, ...words.slice(length)] : words.slice(length),
  });

  for (const length of [2, 1]) {
    const exact = words.length >= length ? byName.get(words.slice(0, length).join(" ")) : undefined;
    if (exact && takes(exact)) return match(exact, length);
  }
  if (base === "") return undefined;
  const beginning = commands.filter((command) => takes(command) && begins(command.name.split(" "), words));
  const exactFirst = beginning.filter((command) => command.name.split(" ")[0] === base);
  const best = exactFirst.length > 0 ? exactFirst : beginning;
  if (best.length === 1) return match(best[0], best[0].name.split(" ").length);
  if (best.length > 1) return { ambiguous: best.map((command) => command.name) };
  const open = commands.filter((command) => command.name.startsWith(base) && command.name.includes(" "));
  return open.length > 0 && suffix === "" ? { ambiguous: open.map((command) => command.name) } : undefined;
}

/** True if each word of `name` is begun by the typed word at its place. */
function begins(name: readonly string[], typed: readonly string[]): boolean {
  return typed.length >= name.length &&
    name.every((word, index) => typed[index] && word.startsWith(typed[index]));
}

/** `x/8xw` is `x` and `/8xw`; `out.b` is `out` and `.b`. */
export function splitSuffix(word: string): { base: string; suffix: string } {
  const at = word.search(/[./]/);
  return at < 1 ? { base: word, suffix: "" } : { base: word.slice(0, at), suffix: word.slice(at) };
}

/** Names of the table that `typed` may have been meant for, best first. */
export function similarNames(table: CommandTable, typed: string): string[] {
  const names = table.commands.flatMap((command) => [command.name, ...command.aliases ?? []]);
  return findSimilar(typed, names.filter((name) => name.length > 1), { maxDistance: 2, maxSuggestions: 3 });
}

/** The error for words (a name, and what may be the second half of one) that fit several commands, or none. */
export function unknownCommand(
  table: CommandTable,
  typed: readonly string[],
  found?: Ambiguous,
): ReferenceError {
  const [first = "", second = ""] = typed;
  const halves = found?.ambiguous.filter((name) => name.includes(" ")) ?? [];
  const apart = second !== "" && halves.length === found?.ambiguous.length;
  if (found && !apart) {
    return new ReferenceError(`${quoted(first)} may mean ${found.ambiguous.join(", ")}: write more of it`);
  }
  // The first word is one of those that take a second, and this is none of them.
  const name = apart ? `${halves[0].split(" ")[0]} ${second}` : first;
  const similar = similarNames(table, name);
  const hint = similar.length > 0
    ? `did you mean ${similar.join(" or ")}?`
    : apart
    ? `there are ${halves.join(", ")}`
    : "see help";
  return new ReferenceError(`There is no command ${quoted(name)}: ${hint}`);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
