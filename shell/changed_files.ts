/** Files by when they were last written, to see which were edited since. */
export class ChangedFiles {
  readonly #seen = new Map<string, number>();

  /** Those of `files` that changed since they were last asked about. One asked about for the first time did not. */
  among(files: Iterable<string>): string[] {
    const changed: string[] = [];
    for (const file of new Set(files)) {
      const time = writtenAt(file), before = this.#seen.get(file);
      // An editor may take a file away for a moment while it saves.
      if (time === undefined) continue;
      this.#seen.set(file, time);
      if (before !== undefined && time !== before) changed.push(file);
    }
    return changed;
  }
}

function writtenAt(file: string): number | undefined {
  try {
    return Deno.statSync(file).mtime?.getTime();
  } catch {
    return undefined;
  }
}
