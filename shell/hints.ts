/** What could follow what is typed: the newest entry that begins so, or what the command's grammar expects. */
import { classify } from "./classify.ts";
import type { Hint } from "./editor/editor.ts";
import { expectedAfter, usageText } from "./expected.ts";
import type { LiveSession } from "./live_session.ts";
import { splitWords } from "./words.ts";

export function hintFor(session: LiveSession, history: readonly string[], text: string): Hint | undefined {
  const entry = history.findLast((one) => one.length > text.length && one.startsWith(text));
  if (entry !== undefined) return { text: entry.slice(text.length), takes: true };
  const expected = text.includes("\n") ? "" : grammarHint(session, text);
  return expected === "" ? undefined : { text: expected, takes: false };
}

/** The rest of an abbreviated name and the usage after it, or what is left of the usage after a blank. */
function grammarHint(session: LiveSession, text: string): string {
  const found = classify(text, session.table, (name) => session.defines(name));
  if (found.kind !== "command") return "";
  const words = splitWords(found.text, { raw: true, lenient: true }).map((word) => word.text);
  const match = session.table.find(words);
  if (!match || "ambiguous" in match) return "";
  const { command } = match;
  if (/\s$/.test(text)) return usageText(expectedAfter(command, match.words));
  if (match.words.length > 0) return "";
  const last = words[words.length - 1];
  const names = [command.name, ...command.aliases ?? []];
  const full = names.includes(words.join(" ")) ? last : command.name.split(" ")[words.length - 1];
  return `${full.slice(last.length)} ${usageText(expectedAfter(command, []))}`.trimEnd();
}
