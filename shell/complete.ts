/** Tab: candidates from the table of commands, their grammars, and the names of TypeScript lines. */
import { suggestSync } from "@optique/core/parser";
import { classify } from "./classify.ts";
import type { Command, Match } from "./command.ts";
import { fullGrammar } from "./invoke.ts";
import type { LiveSession } from "./live_session.ts";
import { splitWords } from "./words.ts";

/** Candidates for what stands last in the line, and that last part itself, which they replace. */
export type Completion = readonly [candidates: string[], replaced: string];

/** Never throws: what cannot be completed has no candidates. */
export async function complete(session: LiveSession, line: string): Promise<Completion> {
  try {
    return await candidates(session, line);
  } catch {
    return [[], ""];
  }
}

async function candidates(session: LiveSession, line: string): Promise<Completion> {
  const forced = /^\s*([:=])/.exec(line);
  const body = line.slice(forced?.[0].length ?? 0).trimStart();
  if (forced?.[1] === "=") return await typescript(session, body);
  const words = typedWords(body);
  if (words.length <= 1) {
    if (/[.(]/.test(body)) return forced ? [[], body] : await typescript(session, body);
    const names = forced ? [] : (await typescript(session, body))[0];
    return [unique([...commandNames(session, words), ...names]), body];
  }
  const kind = forced ? "command" : classify(body, session.table, (name) => session.defines(name)).kind;
  if (kind !== "command") return await typescript(session, body);
  const last = words[words.length - 1];
  const second = secondWords(session, words);
  const found = session.table.find(words);
  const own = found && "command" in found ? await argumentsOf(session, found) : [];
  return [unique([...second, ...own]).filter((it) => it.startsWith(last)), last];
}

/** The words of the line, with an empty one at its end where a new one would begin. */
function typedWords(body: string): string[] {
  const words = splitWords(body, { raw: true, lenient: true }).map((word) => word.text);
  return /\s$/.test(body) || words.length === 0 ? [...words, ""] : words;
}

/** First words of commands; a space follows where something must. */
function commandNames(session: LiveSession, words: readonly string[]): string[] {
  const typed = words[0] ?? "";
  const names = session.table.commands.flatMap((it) => [it.name.split(" ")[0], ...(it.aliases ?? [])]);
  return unique(names.filter((name) => name.startsWith(typed) && !name.includes(" ")));
}

function secondWords(session: LiveSession, words: readonly string[]): string[] {
  if (words.length !== 2) return [];
  const names = session.table.commands.map((command) => command.name.split(" ")).filter((name) =>
    name.length === 2
  );
  const exact = names.filter((name) => name[0] === words[0]);
  return (exact.length > 0 ? exact : names.filter((name) => name[0].startsWith(words[0]))).map((name) =>
    name[1]
  );
}

async function argumentsOf(session: LiveSession, { command, words }: Match): Promise<string[]> {
  if (words.length === 0) return [];
  const fixed = suggestions(command, words);
  if (!command.complete) return fixed;
  if (!command.light) await session.ready();
  return [...fixed, ...await command.complete(session, words)];
}

/** What the grammar itself offers: options, and the choices of its arguments. */
function suggestions(command: Command, words: readonly string[]): string[] {
  const typed = [...words];
  const found = suggestSync(fullGrammar(command), typed as [string, ...string[]]);
  const options = typed[typed.length - 1].startsWith("-");
  return found.flatMap((it) =>
    it.kind === "literal" && (options || !it.text.startsWith("-")) ? [it.text] : []
  );
}

/** Members of the object that the text ends in (`vm.mem`), or names (`cons`). */
async function typescript(session: LiveSession, text: string): Promise<Completion> {
  const tail = /(?:[A-Za-z_$][\w$]*\.)*[\w$]*$/.exec(text)?.[0] ?? "";
  const dot = tail.lastIndexOf(".");
  const part = tail.slice(dot + 1);
  if (dot < 0 && part === "") return [[], ""];
  const names = await session.membersOf(dot < 0 ? "" : tail.slice(0, dot));
  return [names.filter((name) => name.startsWith(part)), part];
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)].sort();
}
