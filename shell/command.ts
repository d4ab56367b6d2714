/** What a command is: one record, from which help, Tab completion and "did you mean" derive. */
import type { Parser } from "@optique/core/parser";
import type { Candidate } from "./editor/menu.ts";
import type { Session } from "./session.ts";
import type { Style } from "./style.ts";

/** One line that shows a command at work; each runs as a test, in the order of the table. */
export interface Example {
  readonly line: string;
  /** A part of what it prints. */
  readonly shows?: string;
  /** Lines to run first, unseen. */
  readonly after?: readonly string[];
}

/** Groups of commands in the order of `help`, with what each is about. No command has the name of a group. */
export const GROUPS = {
  machine: "what the guest is, and what it runs on",
  snapshots: "keep the machine, and go back to it",
  running: "let the guest run, on or back",
  stops: "where it stops, and what is shown there",
  inspect: "registers, memory, code and symbols",
  devices: "attach them, and reach them as a guest does",
  rings: "requests in shared memory",
  exits: "what left the guest, what it cost, and under which prices",
  experiments: "the same over vehicles, machines and parameters",
  shell: "learn, repeat what was done, and leave",
} as const;
export type Group = keyof typeof GROUPS;

/**
 * A command. `run` does the work and returns data, so that scripts can call it; `print` turns that data
 * into text. With `--json`, which every command has unless `json` is false, the data itself is printed.
 */
export interface Command<Args = unknown, Data = unknown> {
  /** Lower case; two words make a subcommand, e.g. `"info exits"`. A unique prefix of each word is enough. */
  readonly name: string;
  /** Further names, always in full: `"r"` for `run`. They win over abbreviations. */
  readonly aliases?: readonly string[];
  readonly group: Group;
  /** One line without a trailing period. */
  readonly summary: string;
  /** Paragraphs for `help COMMAND`: units, byte order, limits. */
  readonly description?: string;
  /**
   * Grammar of the words after the name. A word such as `-1` counts as a value, not an option, and ends
   * the options; `--json` is added and taken off by the shell.
   */
  readonly grammar: Parser<"sync", Args, unknown>;
  /**
   * The name may carry a suffix, given to the grammar as the first word: `x/8xw ADDR` arrives as
   * `["/8xw", "ADDR"]` for `"/"`, and `out.b PORT` as `[".b", "PORT"]` for `"."`.
   */
  readonly suffix?: "/" | ".";
  /** Words keep their quotes and backslashes, as `asm` and `set` need: joined by spaces they are the line. */
  readonly raw?: boolean;
  readonly examples: readonly Example[];
  /** False for commands whose output is not data (`help`, `quit`). */
  readonly json?: boolean;
  /** True if it never touches `session.vm` or `session.io`: the emulator is then not even loaded. */
  readonly light?: boolean;
  /** No part of what a saved session does again. */
  readonly transient?: boolean;
  /** Enter on an empty line does it again (`step`, `x`). */
  readonly repeats?: boolean;
  /**
   * Candidates for the last of `words` (the words after the name, the last one perhaps empty or
   * incomplete). Without it are offered: the grammar's own choices and options, files where the grammar says FILE,
   * symbols where it says ADDR or EXPRESSION, and registers after `$`. Those that do not begin with what is typed are
   * dropped by the shell.
   */
  complete?(
    session: Session,
    words: readonly string[],
  ): Iterable<string | Candidate> | Promise<Iterable<string | Candidate>>;
  run(session: Session, args: Args): Promise<Data> | Data;
  /** Text for people without a trailing line break; empty for nothing to say. */
  print(data: Data, style: Style): string;
}

/** Checks a record's types, and forgets them so that it fits in a table. */
export function defineCommand<Args, Data>(command: Command<Args, Data>): Command {
  return command;
}

/** A command found by what was typed. */
export interface Match {
  readonly command: Command;
  /** The words after the name, the suffix first if there is one. */
  readonly words: readonly string[];
}

/** The table of commands: what the shell asks of it. */
export interface CommandTable {
  readonly commands: readonly Command[];
  /** Finds by name, alias or unique prefix. Undefined if the first word begins no command. */
  find(words: readonly string[]): Match | Ambiguous | undefined;
  /** By full name or alias only. */
  get(name: string): Command | undefined;
}

/** More than one command begins so. */
export interface Ambiguous {
  readonly ambiguous: readonly string[];
}
