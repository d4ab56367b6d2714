/** What `--only` picks among things with several names. */

/**
 * Those with a name that is one of `wanted`; if there are none, those with a name that has one of `wanted` in it. All of
 * them if nothing is wanted. A thing's names are its words and all of them together, e.g. "sieve", "x86-32 paging".
 */
export function pick<T>(
  things: readonly T[],
  wanted: readonly string[] | undefined,
  namesOf: (thing: T) => readonly string[],
): T[] {
  if (wanted === undefined) return [...things];
  return wanted.reduce<T[]>((picked, text) => {
    const exact = things.filter((thing) => [...namesOf(thing), namesOf(thing).join(" ")].includes(text));
    const found = exact.length > 0
      ? exact
      : things.filter((thing) => namesOf(thing).join(" ").includes(text));
    return [...picked, ...found.filter((thing) => !picked.includes(thing))];
  }, []);
}

/** Arguments with the value of each option in `options` joined to it, so that a value may begin with a hyphen. */
export function joinValues(args: readonly string[], options: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const takesNext = options.includes(args[i].replace(/^--/, "")) && args[i].startsWith("--") &&
      i + 1 < args.length;
    joined.push(takesNext ? `${args[i]}=${args[++i]}` : args[i]);
  }
  return joined;
}
