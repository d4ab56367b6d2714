/** What is typed or pasted as one entry, of a line or of many, as the lines that the session does one by one. */
import { classify } from "./classify.ts";
import type { LiveSession } from "./live_session.ts";
import { tokens } from "./tokens.ts";

export interface Entries {
  /** Each a command, or TypeScript of one line or several; empty lines and comments too. */
  readonly units: readonly string[];
  /** True if the last one is TypeScript that goes on. */
  readonly open: boolean;
}

/**
 * Commands are lines. TypeScript goes on until it is complete; where nothing but TypeScript is typed and it makes sense
 * as a whole, it is one unit, as an expression may begin its further lines with an operator.
 */
export async function splitEntries(session: LiveSession, text: string): Promise<Entries> {
  const lines = text.split("\n");
  const kindOf = (line: string) => classify(line, session.table, (name) => session.defines(name));
  const units: string[] = [];
  let commands = false;
  let open = false;
  for (let at = 0; at < lines.length;) {
    const { kind } = kindOf(lines[at]);
    if (kind !== "typescript") {
      commands ||= kind === "command";
      units.push(lines[at++]);
      continue;
    }
    const unit = await typescriptFrom(lines, at);
    units.push(unit.text);
    open = unit.open;
    at += unit.lines;
  }
  if (!commands && !open && units.length > 1 && await isWhole(text)) return { units: [text], open };
  return { units, open };
}

/** The shortest whole lines from `first` on that are not incomplete. */
async function typescriptFrom(lines: readonly string[], first: number) {
  const { prepare } = await import("./source_text.ts");
  const rest = lines.slice(first).join("\n");
  for (const end of lineEnds(rest)) {
    const text = rest.slice(0, end);
    // `=` first only says that TypeScript follows.
    if (prepare(text.replace(/^\s*=/, "")).kind !== "incomplete") {
      return { text, lines: text.split("\n").length, open: false };
    }
  }
  return { text: rest, lines: lines.length - first, open: true };
}

/** A part of an entry by its brackets alone, without asking whether it is complete. */
export interface Region {
  readonly kind: "empty" | "command" | "typescript";
  readonly from: number;
  /** Without the line break that ends it. */
  readonly to: number;
}

/** Lines of commands, and TypeScript as far as its brackets reach: good enough while it is typed. */
export function* regions(session: LiveSession, text: string): Generator<Region> {
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf("\n", from);
    let to = end < 0 ? text.length : end;
    const { kind } = classify(text.slice(from, to), session.table, (name) => session.defines(name));
    if (kind === "typescript") {
      const [first] = lineEnds(text.slice(from));
      to = from + first;
    }
    yield { kind, from, to };
    from = to + 1;
  }
}

async function isWhole(text: string): Promise<boolean> {
  const { prepare } = await import("./source_text.ts");
  return prepare(text).kind === "ready";
}

/** Where lines end outside of brackets: within them nothing can be complete. */
function* lineEnds(text: string): Generator<number> {
  let depth = 0;
  for (const { kind, from } of tokens(text, 0, "typescript")) {
    if (kind === "open") depth++;
    if (kind === "close") depth--;
    if (kind === "newline" && depth <= 0) yield from;
  }
  yield text.length;
}
