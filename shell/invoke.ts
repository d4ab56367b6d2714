/** From a command line to a command with its arguments, and from its data to text. */
import { formatMessage } from "@optique/core/message";
import { object } from "@optique/core/constructs";
import { withDefault } from "@optique/core/modifiers";
import { message } from "@optique/core/message";
import { type Parser, parseSync } from "@optique/core/parser";
import { flag } from "@optique/core/primitives";
import { formatUsage } from "@optique/core/usage";
import type { Command, CommandTable } from "./command.ts";
import { toJson } from "./json.ts";
import { fitted } from "./reports/wrap.ts";
import type { Style } from "./style.ts";
import { unknownCommand } from "./table.ts";
import { splitWords } from "./words.ts";

/** A command, ready to run. */
export interface Invocation {
  readonly command: Command;
  readonly args: unknown;
  readonly json: boolean;
}

/** Throws `ReferenceError` for no or an ambiguous command, and `SyntaxError` for words that it cannot take. */
export function parseCommand(table: CommandTable, line: string): Invocation {
  const guess = splitWords(line, { lenient: true }).map((word) => word.text);
  const found = table.find(guess);
  if (!found || "ambiguous" in found) throw unknownCommand(table, guess, found);
  const { command } = found;
  const typed = splitWords(line, { raw: command.raw }).map((word) => word.text);
  const again = table.find(typed);
  const words = again && "words" in again ? again.words : found.words;
  return parseWords(command, words);
}

/** The same for words that are split already. */
export function parseWords(command: Command, words: readonly string[]): Invocation {
  const { rest, json } = command.json === false ? { rest: words, json: false } : takeJson(words);
  const result = parseSync(command.grammar, guardNegatives(rest));
  if (result.success) return { command, args: result.value, json };
  const what = formatMessage(result.error, { quotes: false }).replaceAll(/\s+/g, " ").replace(/\.$/, "");
  throw new SyntaxError(`${what}; usage: ${usageOf(command)}`);
}

/** `--json` may stand anywhere before `--`. */
function takeJson(words: readonly string[]): { rest: readonly string[]; json: boolean } {
  const end = words.indexOf("--");
  const at = words.indexOf("--json");
  if (at < 0 || (end >= 0 && at > end)) return { rest: words, json: false };
  return { rest: words.toSpliced(at, 1), json: true };
}

/** `-1` and `-$rax` are values: what follows the first of them is no option. */
function guardNegatives(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => /^-[\d$(]/.test(word));
  return at < 0 || words.slice(0, at).includes("--") ? words : words.toSpliced(at, 0, "--");
}

/** The grammar of a command as help and Tab see it, with `--json`. */
export function fullGrammar(command: Command): Parser<"sync", unknown, unknown> {
  if (command.json === false) return command.grammar;
  const json = flag("--json", { description: message`print the data as JSON` });
  return object({ args: command.grammar, json: withDefault(json, false) });
}

/** One line, e.g. `call [--json] FUNCTION [VALUE...]`. */
export function usageOf(command: Command): string {
  return formatUsage(command.name, fullGrammar(command).usage).replaceAll(/\s+/g, " ").trim();
}

/** What to print for a command's data; ends in a line break unless it is empty. */
export function render(invocation: Invocation, data: unknown, style: Style, allJson: boolean): string {
  const asJson = invocation.command.json !== false && (invocation.json || allJson);
  const text = asJson ? toJson(data) : fitted(invocation.command.print(data, style), style);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
