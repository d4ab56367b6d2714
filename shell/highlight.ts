/** Colours for what is typed: what trapsh takes each word for, before Enter. */
import { RESERVED } from "./classify.ts";
import type { Span } from "./editor/layout.ts";
import { regions } from "./entries.ts";
import type { LiveSession } from "./live_session.ts";
import { type Token, tokens } from "./tokens.ts";
import { splitWords } from "./words.ts";

/** What a span of text is; the rest has no colour. */
export type TextKind =
  | "command"
  | "unknown"
  | "option"
  | "register"
  | "number"
  | "string"
  | "comment"
  | "keyword";

type Spans = Span<TextKind>[];

export function highlight(session: LiveSession, text: string): Spans {
  const spans: Spans = [];
  for (const { kind, from, to } of regions(session, text)) {
    if (kind === "typescript") typescript(session, text.slice(0, to), from, spans);
    else if (kind === "command") command(session, text.slice(from, to), from, spans);
    else if (to > from) spans.push({ from, to, format: "comment" });
  }
  return spans;
}

function command(session: LiveSession, line: string, start: number, spans: Spans): void {
  const skipped = /^\s*:?\s*/.exec(line)![0].length;
  const words = splitWords(line.slice(skipped), { raw: true, lenient: true });
  const match = session.table.find(words.map((word) => word.text));
  const own = match && "command" in match ? match : undefined;
  // A suffix comes as a word of its own, but stands in the name's.
  const suffixed = own?.words[0] !== undefined && /^[./]/.test(own.words[0]) && own.command.suffix;
  const named = own ? words.length - own.words.length + (suffixed ? 1 : 0) : 0;
  const last = words[named - 1];
  let at = skipped;
  if (last) {
    at += last.start + last.text.length;
    spans.push({ from: start + skipped, to: start + at, format: "command" });
  } else if (words.length > 1 && !own) {
    at += words[0].text.length;
    spans.push({ from: start + skipped, to: start + at, format: "unknown" });
  }
  const registers = bareRegisters(session);
  for (const token of tokens(line, at, "command")) {
    const isRegister = token.kind === "word" && registers.has(line.slice(token.from, token.to));
    push(spans, token, start, isRegister ? "register" : undefined);
  }
}

function typescript(session: LiveSession, text: string, start: number, spans: Spans): void {
  const unknown = unknownWord(session, text.slice(start));
  for (const token of tokens(text, start, "typescript")) {
    const word = token.kind === "word" ? text.slice(token.from, token.to) : "";
    const kind = RESERVED.has(word) ? "keyword" : word !== "" && word === unknown ? "unknown" : undefined;
    push(spans, token, 0, kind);
  }
}

/** A first word that looks like a command's name and is neither one nor a name of TypeScript. */
function unknownWord(session: LiveSession, text: string): string | undefined {
  const [, word, blank] = /^\s*([A-Za-z]\w*)(\s+(?=[\w"'$-])|\s*$)/.exec(text) ?? [];
  if (word === undefined || RESERVED.has(word)) return undefined;
  if (session.defines(word) || word in globalThis) return undefined;
  // While a name is typed its beginning is no mistake.
  const begun = (name: string) => name.startsWith(word);
  const typing = blank === "" &&
    ([...RESERVED].some(begun) || session.names().some(begun) || globals().some(begun));
  return typing ? undefined : word;
}

/** Adds a token that has a colour: `kind`'s, or its own. */
function push(spans: Spans, token: Token, start: number, kind?: TextKind): void {
  const format = kind ?? OWN[token.kind];
  if (format) spans.push({ from: start + token.from, to: start + token.to, format });
}

const OWN: Readonly<Partial<Record<Token["kind"], TextKind>>> = {
  comment: "comment",
  string: "string",
  number: "number",
  register: "register",
  option: "option",
};

/** Registers are coloured without their `$` too, once there is a machine. */
function bareRegisters(session: LiveSession): ReadonlySet<string> {
  return new Set(session.hasVm ? session.vcpu.registers.names : []);
}

function globals(): string[] {
  return Object.getOwnPropertyNames(globalThis);
}
