/** Words of the command line that name files: the shell that completes them knows best what is there. */
import type { ValueParser } from "@optique/core/valueparser";
import { string } from "@optique/core/valueparser";

/** A file, of one of these endings if some are given. */
export function fileWord(
  metavar: "FILE" | "GUEST",
  extensions?: readonly `.${string}`[],
): ValueParser<"sync", string> {
  return {
    ...string({ metavar }),
    // What begins like an option is meant as one.
    suggest: (prefix) => prefix.startsWith("-") ? [] : [{ kind: "file", type: "file", extensions }],
  };
}

/** A folder. */
export function folderWord(): ValueParser<"sync", string> {
  return { ...string({ metavar: "DIR" }), suggest: () => [{ kind: "file", type: "directory" }] };
}

/** One of these names, or a file. Others are refused later, by who knows what a file may hold. */
export function nameOrFile(
  metavar: "NAME",
  names: readonly string[],
  extensions: readonly `.${string}`[],
): ValueParser<"sync", string> {
  return {
    ...string({ metavar }),
    *suggest(prefix) {
      for (const text of names) {
        if (text.startsWith(prefix)) yield { kind: "literal" as const, text };
      }
      yield { kind: "file" as const, type: "file" as const, extensions };
    },
  };
}
