/**
 * Command or TypeScript? The one rule:
 *
 * 1. `:` first makes the rest a command, `=` first makes the rest TypeScript. Nothing, or `#` or `//`
 *    first, is a comment.
 * 2. A line is a command if its first word names one (in full, by an alias, or by a beginning) and is
 *    followed by the end of the line, white space, or the suffix of that command (`x/8xw`, `out.b`),
 *    unless the next word is an operator of TypeScript (`x = 5`, `run + 1`), or both are reserved words
 *    (`export const`).
 * 3. A beginning (or the first of two words) does not count if it is a reserved word of TypeScript
 *    (`const`), or a name of the session (`vm`, `exits`, or what was declared at the prompt).
 * 4. Everything else is TypeScript: `call(1)`, `x = 5`, `await io.open("echo")`.
 */
import type { Ambiguous, CommandTable, Match } from "./command.ts";
import { splitSuffix } from "./table.ts";
import { splitWords } from "./words.ts";

export type Classified =
  | { readonly kind: "empty" }
  | { readonly kind: "command"; readonly text: string; readonly forced: boolean }
  | { readonly kind: "typescript"; readonly text: string; readonly forced: boolean };

const RESERVED = new Set(
  ("abstract any as async await break case catch class const continue debugger declare default delete do else " +
    "enum export extends false finally for from function if implements import in instanceof interface let " +
    "namespace new null of private protected public readonly return satisfies static super switch this throw " +
    "true try type typeof using var void while with yield").split(" "),
);

/** A word that can only continue an expression: an operator standing alone, or one of `=`, `.`, `;`, `,`. */
const OPERATOR = /^(?:[=;,]|=>|\?\.|[-+*/%&|^<>!?:~]+=?(?=\s|$)|instanceof\b)/;

/** `defined` tells the names that TypeScript lines may use: session objects and declarations. */
export function classify(line: string, table: CommandTable, defined: (name: string) => boolean): Classified {
  const text = line.trim();
  if (text === "" || text.startsWith("#") || text.startsWith("//")) return { kind: "empty" };
  if (text.startsWith(":")) return { kind: "command", text: text.slice(1).trim(), forced: true };
  if (text.startsWith("=")) return { kind: "typescript", text: text.slice(1).trim(), forced: true };
  const kind = isCommand(text, table, defined) ? "command" : "typescript";
  return { kind, text, forced: false };
}

function isCommand(text: string, table: CommandTable, defined: (name: string) => boolean): boolean {
  const first = /^\S+/.exec(text)?.[0] ?? "";
  const { base, suffix } = splitSuffix(first);
  if (!/^(?:[A-Za-z][\w-]*|\?)$/.test(base) || !/^(?:[./]\w*)?$/.test(suffix)) return false;
  const rest = text.slice(first.length).trim();
  if (rest !== "" && (OPERATOR.test(rest) || RESERVED.has(base) && isSyntax(rest))) return false;
  const found = table.find(splitWords(text, { lenient: true }).map((word) => word.text));
  if (!found) return false;
  return isFull(found, base) || !(RESERVED.has(base) || defined(base));
}

/** What makes a reserved word in front of it a statement, as in `export const`, though it names a command as well. */
function isSyntax(rest: string): boolean {
  return /^[{*]/.test(rest) || RESERVED.has(/^\w+/.exec(rest)?.[0] ?? "");
}

/** True if `base` is the whole of a one-word name or alias, or the whole first word of a longer name. */
function isFull(found: Match | Ambiguous, base: string): boolean {
  if ("ambiguous" in found) return false;
  const names = [found.command.name, ...found.command.aliases ?? []];
  return names.some((name) => name.split(" ")[0] === base);
}
