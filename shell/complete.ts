/** Tab: candidates from the table of commands, their grammars, the session's names, and values of TypeScript. */
import { formatMessage } from "@optique/core/message";
import { suggestSync } from "@optique/core/parser";
import { classify } from "./classify.ts";
import type { Command, Match } from "./command.ts";
import { fileNames } from "./commands/support/files.ts";
import type { Candidate, Completion } from "./editor/menu.ts";
import { regions } from "./entries.ts";
import { expectedAfter, nextMetavars } from "./expected.ts";
import { fullGrammar } from "./invoke.ts";
import type { LiveSession } from "./live_session.ts";
import { splitWords } from "./words.ts";

const NOTHING: Completion = { candidates: [], replaced: 0 };

/** Candidates for what ends at the end of `text`. Never throws: what cannot be completed has none. */
export async function complete(session: LiveSession, text: string): Promise<Completion> {
  try {
    const last = [...regions(session, text)].at(-1)!;
    const line = text.slice(text.lastIndexOf("\n") + 1);
    // Within several lines of TypeScript nothing is a command.
    const within = last.kind === "typescript" && last.from < text.length - line.length;
    const { candidates, replaced } = await found(session, within ? `=${line}` : line);
    return { candidates: sorted(candidates), replaced };
  } catch {
    return NOTHING;
  }
}

function kindOf(session: LiveSession, line: string): string {
  return classify(line, session.table, (name) => session.defines(name)).kind;
}

async function found(session: LiveSession, line: string): Promise<Completion> {
  const mark = /^\s*([:=])?\s*/.exec(line)!;
  const body = line.slice(mark[0].length);
  if (mark[1] === "=") return await typescript(session, body, true);
  const words = typedWords(body);
  if (words.length === 1) {
    if (mark[1] === undefined && /[.(]/.test(body)) return await typescript(session, body, true);
    const names = mark[1] === undefined ? await typescript(session, body, false) : NOTHING;
    return {
      candidates: [...firstWords(session, body), ...names.candidates],
      replaced: body.length,
    };
  }
  // An option that has only begun looks like an operator.
  const settled = body.replace(/\s--?$/, " ");
  if (mark[1] === undefined && kindOf(session, settled) !== "command") {
    // "exits" alone is TypeScript's; what follows it can be the second half of a command's name.
    const [first, last] = words;
    const second = words.length === 2
      ? secondWords(session, first, true).filter(({ text }) => text.startsWith(last))
      : [];
    if (second.length > 0) return { candidates: second, replaced: last.length };
    return await typescript(session, body, true);
  }
  return await commandWord(session, words);
}

/** The words of the line, with an empty one at its end where a new one would begin. */
function typedWords(body: string): string[] {
  const words = splitWords(body, { raw: true, lenient: true });
  const last = words[words.length - 1];
  const open = last !== undefined && last.start + last.text.length === body.length;
  return [...words.map((word) => word.text), ...(open ? [] : [""])];
}

/** First words of commands, and aliases that are no mere letters, with what they do. */
function firstWords(session: LiveSession, typed: string): Candidate[] {
  const { commands } = session.table;
  return commands.flatMap(({ name, aliases, summary }) => {
    const [first, second] = name.split(" ");
    const family = commands.filter((other) => other.name.startsWith(`${first} `)).length;
    const about = second === undefined ? summary : `${family} commands: Tab lists them`;
    const others = (aliases ?? []).filter((alias) => !alias.includes(" ") && alias.length > 2)
      .map((alias) => ({ text: alias, about: `${name}: ${summary}` }));
    return [{ text: first, about }, ...(typed === "" ? [] : others)].filter(({ text }) =>
      text.startsWith(typed)
    );
  });
}

async function commandWord(session: LiveSession, words: readonly string[]): Promise<Completion> {
  const typed = words[words.length - 1];
  const match = session.table.find(words);
  const own = match && "command" in match && match.words.length > 0 ? match : undefined;
  const second = words.length === 2 ? secondWords(session, words[0]) : [];
  const raw = own?.command.raw === true;
  const last = raw ? typed : unquoted(typed);
  const names = own ? await argumentsOf(session, own, last) : [];
  const fitting = (list: readonly Candidate[]) => list.filter(({ text }) => text.startsWith(last));
  const whole = [...fitting(second), ...fitting(names)];
  if (whole.length > 0) {
    const written = raw ? whole : whole.map((one) => ({ ...one, text: quotedAs(typed, one) }));
    return { candidates: written, replaced: typed.length };
  }
  return own ? await nameWithin(session, own, typed) : NOTHING;
}

/** What goes with the first word of commands of two, in full or, unless it must be, begun. */
function secondWords(session: LiveSession, first: string, full = false): Candidate[] {
  const two = session.table.commands.flatMap(({ name, aliases = [], summary }) =>
    [name, ...aliases.filter((one) => !name.startsWith(one) && !one.startsWith(name))].filter((one) =>
      one.includes(" ")
    ).map(
      (one) => {
        const [before, text] = one.split(" ");
        return { before, text, about: one === name ? summary : `${name}: ${summary}` };
      },
    )
  );
  const exact = two.filter(({ before }) => before === first);
  const begun = exact.length > 0 || full ? exact : two.filter(({ before }) => before.startsWith(first));
  return begun.map(({ text, about }) => ({ text, about }));
}

async function argumentsOf(
  session: LiveSession,
  { command, words }: Match,
  last: string,
): Promise<Candidate[]> {
  const typed = [...words.slice(0, -1), last];
  const list = [...grammarWords(command, typed)];
  if (last.startsWith("-")) return list;
  if (!command.light) await session.ready();
  for (const one of await command.complete?.(session, typed) ?? []) {
    list.push(typeof one === "string" ? named(one) : one);
  }
  for (const metavar of nextMetavars(expectedAfter(command, words.slice(0, -1)))) {
    list.push(...await byMetavar(session, metavar, last));
  }
  return list;
}

/** A name by itself: after `folder/` and `stage=` more has to come, and of a path the last part is shown. */
function named(text: string): Candidate {
  const folder = text.lastIndexOf("/", text.length - 2) + 1;
  return {
    text,
    ...(/[/=]$/.test(text) && { open: true }),
    ...(folder > 0 && { shown: text.slice(folder) }),
  };
}

/** What the grammar itself offers: options, and the choices of its arguments. */
function grammarWords(command: Command, typed: readonly string[]): Candidate[] {
  const options = typed[typed.length - 1].startsWith("-");
  if (typed[typed.length - 1] === "-") typed = [...typed.slice(0, -1), "--"];
  return suggestSync(fullGrammar(command), typed as [string, ...string[]]).flatMap((it) => {
    if (it.kind !== "literal" || !options && it.text.startsWith("-")) return [];
    const about = it.description && formatMessage(it.description, { quotes: false });
    return [{ text: it.text, ...(about !== undefined && { about }) }];
  });
}

/** Words of a kind that the grammar names, whatever the command. */
async function byMetavar(session: LiveSession, metavar: string, last: string): Promise<Candidate[]> {
  if (metavar.startsWith("FILE")) return (await fileNames(last)).map(named);
  if (metavar === "ADDR" || metavar === "EXPRESSION") return symbols(session);
  return [];
}

/** The last name within an expression: `$ra` of `8+$ra`, `loo` of `start+loo`. */
async function nameWithin(
  session: LiveSession,
  { command, words }: Match,
  typed: string,
): Promise<Completion> {
  const dollar = /\$(\w*)$/.exec(typed);
  if (dollar) {
    await session.ready();
    const names = [...session.vcpu.registers.names, "pc", ...session.variables.keys()];
    const candidates = names.filter((name) => name.startsWith(dollar[1])).map((name) => ({
      text: `$${name}`,
    }));
    return { candidates, replaced: dollar[0].length };
  }
  const within = /[-+*\/%(<>&|^~]([A-Za-z_][\w.]*)$/.exec(typed)?.[1];
  const expected = nextMetavars(expectedAfter(command, words.slice(0, -1)));
  if (within === undefined || !expected.some((it) => it === "ADDR" || it === "EXPRESSION")) return NOTHING;
  const candidates = symbols(session).filter(({ text }) => text.startsWith(within));
  return { candidates, replaced: within.length };
}

function symbols(session: LiveSession): Candidate[] {
  return session.hasVm ? session.vm.symbols.list().map(({ name }) => ({ text: name })) : [];
}

/** A word without its quotes and backslashes, as a command gets it. */
function unquoted(typed: string): string {
  return splitWords(typed, { lenient: true })[0]?.text ?? "";
}

/** A candidate as it has to be typed: in the quotes that were begun, or with backslashes. */
function quotedAs(typed: string, { text, open }: Candidate): string {
  const quote = /^["']/.exec(typed)?.[0];
  if (quote !== undefined) return `${quote}${text}${open === true ? "" : quote}`;
  return text.replaceAll(/[\s"'\\]|^#/g, "\\$&");
}

/**
 * Members of the object that the text ends in (`vm.mem`), names (`vc`), or files in a string that begins as a path.
 * `further`: names of the language too.
 */
async function typescript(session: LiveSession, text: string, further: boolean): Promise<Completion> {
  const path = /["'`](\.{0,2}\/[^"'`]*)$/.exec(text)?.[1];
  if (path !== undefined) {
    return { candidates: (await fileNames(path)).map(named), replaced: path.length };
  }
  const tail = /(?:[A-Za-z_$][\w$]*\??\.)*[\w$]*$/.exec(text)?.[0] ?? "";
  const dot = tail.lastIndexOf(".");
  const part = tail.slice(dot + 1);
  if (dot < 0 && part === "") return NOTHING;
  const names = dot < 0
    ? [...session.names(), ...(further ? Object.getOwnPropertyNames(globalThis) : [])]
    : await session.membersOf(tail.slice(0, dot).replaceAll("?", ""));
  const fitting = names.filter((name) => name.startsWith(part) && /^[A-Za-z_$][\w$]*$/.test(name));
  return { candidates: fitting.map((name) => ({ text: name, open: true })), replaced: part.length };
}

/** Each text once, the first with an explanation if one has it. */
function sorted(list: readonly Candidate[]): Candidate[] {
  const byText = new Map<string, Candidate>();
  for (const one of list) {
    if (byText.get(one.text)?.about === undefined) byText.set(one.text, one);
  }
  return [...byText.values()].sort((a, b) => a.text < b.text ? -1 : 1);
}
