/** `script`, `source`, `echo`: files of TypeScript and of lines. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { preview } from "../preview.ts";
import { runScript } from "../script.ts";
import type { Session } from "../session.ts";
import { fileNames } from "./support/files.ts";
import { word, words } from "./support/grammar.ts";

export const script = defineCommand({
  name: "script",
  group: "experiments",
  summary: "run a TypeScript experiment on this session",
  description:
    `The file's default export is called with a context: session, args, out, style, json, signal, progress, each; without one the
import itself is the experiment. It is imported afresh each time. It runs with the shell's own permissions.`,
  grammar: object({ file: word("FILE"), args: words("ARG") }),
  examples: [{ line: "script experiment.ts" }],
  complete: (_session, typed) => typed.length <= 1 ? fileNames(typed.at(-1) ?? "") : [],
  run: (session, { file, args }): Promise<unknown> => runScript(session, file, args),
  print: (value, style) => value === undefined ? "" : preview(value, style),
});

/** Files that source each other without end would fill memory. */
const DEEPEST = 16;

const depths = new WeakMap<Session, number>();

export const source = defineCommand({
  name: "source",
  group: "shell",
  summary: "do the lines of a file, commands and TypeScript, as if typed",
  description:
    `Blank lines and lines that begin with # are skipped; TypeScript may go on over several lines. The first line that
fails ends it, and its number is told.`,
  grammar: object({ file: word("FILE") }),
  json: false,
  light: true,
  examples: [{ line: "source lines.trapsh" }],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(session, { file }): Promise<{ lines: number }> {
    const text = await Deno.readTextFile(file);
    const depth = depths.get(session) ?? 0;
    if (depth >= DEEPEST) throw new UserError(`${file} is sourced ${DEEPEST} deep: does it source itself?`);
    depths.set(session, depth + 1);
    try {
      return { lines: await sourceLines(session, file, text.split("\n")) };
    } finally {
      depths.set(session, depth);
    }
  },
  print: () => "",
});

async function sourceLines(session: Session, file: string, lines: readonly string[]): Promise<number> {
  let pending = "";
  let first = 0;
  for (const [i, line] of lines.entries()) {
    session.signal.throwIfAborted();
    if (pending === "") first = i + 1;
    const outcome = await session.execute(pending === "" ? line : `${pending}\n${line}`);
    if (!outcome.ok) {
      throw new UserError(`${file}:${first}: ${outcome.error.message}`, { cause: outcome.error });
    }
    pending = outcome.kind === "incomplete" ? (pending === "" ? line : `${pending}\n${line}`) : "";
    if (session.quitStatus !== undefined) break;
  }
  if (pending !== "") throw new UserError(`${file}:${first}: the TypeScript that begins here has no end`);
  return lines.length;
}

export const echo = defineCommand({
  name: "echo",
  group: "shell",
  summary: "print its words",
  grammar: object({ words: words("WORD") }),
  light: true,
  examples: [{ line: "echo a b", shows: "a b" }],
  run: (_session, { words }): string => words.join(" "),
  print: (text) => text,
});
