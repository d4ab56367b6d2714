/**
 * Entries typed at the prompt, kept between runs in `$XDG_STATE_HOME/trapsh/history`, or where that is not
 * set `~/.local/state/trapsh/history`. Only its owner may read it. A prompt without it is still a prompt:
 * what cannot be read or written is left alone.
 *
 * The file has a line for each entry; further lines of one entry follow it, each behind a tab. Every session
 * appends its own, so that several at once lose nothing.
 */
import { dirname, isAbsolute, join } from "node:path";

/** Entries kept; a file grows to twice as many before it is cut. */
const LIMIT = 1000;
/** Characters of an entry that is kept: a pasted program is not worth more. */
const LONGEST = 20_000;

export interface History {
  /** Oldest first. */
  readonly entries: readonly string[];
  add(entry: string): void;
}

/** The file, or undefined where there is no home or no permission to ask. */
export function historyFile(env: (name: string) => string | undefined): string | undefined {
  const [given, home] = [env("XDG_STATE_HOME"), env("HOME")];
  // The base directory specification: relative paths are to be ignored.
  const state = given && isAbsolute(given) ? given : home && join(home, ".local", "state");
  return state ? join(state, "trapsh", "history") : undefined;
}

/** Reads the file; `add` appends to it at once, so that a crash loses nothing. */
export function openHistory(file: string | undefined): History {
  const entries = file ? attempt(() => readEntries(file)) ?? [] : [];
  return {
    entries,
    add(entry) {
      const text = entry.trimEnd();
      // As in other shells: what begins with a blank is not to be kept.
      if (text === "" || /^\s/.test(text) || text.length > LONGEST || text === entries.at(-1)) return;
      entries.push(text);
      if (file) attempt(() => append(file, text));
    },
  };
}

const encode = (entry: string) => `${entry.replaceAll("\n", "\n\t")}\n`;

function decode(text: string): string[] {
  return text.split(/\n(?!\t)/).map((entry) => entry.replaceAll("\n\t", "\n")).filter((entry) =>
    entry !== ""
  );
}

function readEntries(file: string): string[] {
  const { mode } = Deno.statSync(file);
  if (mode !== null && (mode & 0o77) !== 0) attempt(() => Deno.chmodSync(file, 0o600));
  const entries = decode(Deno.readTextFileSync(file));
  if (entries.length > 2 * LIMIT) attempt(() => shorten(file));
  return entries.slice(-LIMIT);
}

/** In place, and while no other session writes; where one does, the next start will do. */
function shorten(file: string): void {
  using open = Deno.openSync(file, { read: true, write: true });
  if (!open.tryLockSync(true)) return;
  const kept = decode(Deno.readTextFileSync(file)).slice(-LIMIT).map(encode).join("");
  const bytes = new TextEncoder().encode(kept);
  writeAll(open, bytes);
  open.truncateSync(bytes.length);
}

function append(file: string, entry: string): void {
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  using open = Deno.openSync(file, { append: true, create: true, mode: 0o600 });
  // Shared among those that append: whole writes to the end of a file do not mix. It waits for `shorten` only.
  attempt(() => open.lockSync(false));
  writeAll(open, new TextEncoder().encode(encode(entry)));
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
