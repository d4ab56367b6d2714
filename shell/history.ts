/**
 * Lines typed at the prompt, kept between runs in `$XDG_STATE_HOME/trapsh/history`, or where that is not
 * set `~/.local/state/trapsh/history`. Only its owner may read it. A prompt without it is still a prompt:
 * what cannot be read or written is left alone.
 */
import { dirname, join } from "node:path";

/** Lines kept; a file grows to twice as many before it is cut. */
const LIMIT = 1000;

export interface History {
  /** Oldest first. */
  readonly lines: readonly string[];
  add(line: string): void;
}

/** The file, or undefined where there is no home or no permission to ask. */
export function historyFile(env: (name: string) => string | undefined): string | undefined {
  const state = env("XDG_STATE_HOME") || (env("HOME") && join(env("HOME") ?? "", ".local", "state"));
  return state ? join(state, "trapsh", "history") : undefined;
}

/** Reads the file; `add` appends to it at once, so that a crash loses nothing. */
export function openHistory(file: string | undefined): History {
  const lines = file ? attempt(() => readLines(file)) ?? [] : [];
  return {
    lines,
    add(line) {
      if (line.trim() === "" || line.startsWith(" ") || line === lines.at(-1)) return;
      lines.push(line);
      if (file) attempt(() => append(file, line));
    },
  };
}

function readLines(file: string): string[] {
  const lines = Deno.readTextFileSync(file).split("\n").filter((line) => line !== "");
  const kept = lines.slice(-LIMIT);
  if (lines.length > 2 * LIMIT) {
    attempt(() => Deno.writeTextFileSync(file, kept.map((line) => `${line}\n`).join(""), { mode: 0o600 }));
  }
  return kept;
}

function append(file: string, line: string): void {
  Deno.mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  Deno.writeTextFileSync(file, `${line}\n`, { append: true, create: true, mode: 0o600 });
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
