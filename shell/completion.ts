/** `trapsh completion SHELL`: what makes Tab of bash, zsh and fish know the command line. */
import { bash, fish, type ShellCompletion, zsh } from "@optique/core/completion";
import { getDocPageSync, type Parser, suggestSync } from "@optique/core/parser";

/** What the installed command is called: see the task `install`. */
const PROGRAM = "trapsh";
const SHELLS: Readonly<Record<CompletedShell, ShellCompletion>> = { bash, zsh, fish };

export const COMPLETED_SHELLS = ["bash", "zsh", "fish"] as const;
export type CompletedShell = (typeof COMPLETED_SHELLS)[number];

/** A script for the shell. It calls `trapsh completion SHELL WORDS...`, and `suggestions` answers. */
export function completionScript(shell: CompletedShell): string {
  return `${SHELLS[shell].generateScript(PROGRAM, ["completion", shell]).trim()}\n`;
}

type Grammar = Parser<"sync", unknown, unknown>;

/**
 * Candidates for the last of the words, of which the last may be empty, as the shell's script reads them.
 * `options` is the part of `grammar` that may stand anywhere: what begins with one of its options and lacks the
 * value can only go on with that.
 */
export function suggestions(
  shell: CompletedShell,
  { grammar, options }: { readonly grammar: Grammar; readonly options: Grammar },
  words: readonly [string, ...string[]],
): string {
  const [before, last] = [words.at(-2), words.at(-1)!];
  const wantsValue = before?.startsWith("-") && !last.startsWith("-") &&
    getDocPageSync(options)?.sections.some(({ entries }) =>
      entries.some(({ term }) =>
        term.type === "option" && term.metavar && term.names.some((name) => name === before)
      )
    );
  const found = wantsValue ? suggestSync(options, [before!, last]) : suggestSync(grammar, words);
  return [...SHELLS[shell].encodeSuggestions(found)].join("");
}
