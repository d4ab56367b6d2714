/** `monitor LINE` in GDB: a command of the shell. */
import { classify } from "../classify.ts";
import { showError } from "../errors.ts";
import type { Session } from "../session.ts";
import { plain } from "../style.ts";

/** What they would end is not the debugger's, or is the debugger's own. */
const REFUSED: ReadonlySet<string> = new Set(["quit", "gdbserver"]);

/**
 * Does one command and answers what it prints, an error too. TypeScript is not for the wire: a line of it may run for ever,
 * which nothing could stop. `signal` stops what waits or runs, as Ctrl-C does at the prompt.
 */
export async function monitor(session: Session, line: string, signal: AbortSignal): Promise<string> {
  const found = classify(line, session.table, () => false);
  if (found.kind === "empty") return "";
  const command = found.kind === "command" ? session.table.find(found.text.split(/\s+/)) : undefined;
  if (found.kind !== "command" || !command) {
    return `error: monitor takes commands of the shell: see "monitor help"\n`;
  }
  if ("command" in command && REFUSED.has(command.command.name)) {
    return `error: ${command.command.name} is the shell's alone\n`;
  }
  const { outcome, text } = await session.capture(`:${found.text}`, signal);
  return outcome.ok ? text : text + showError(outcome.error, plain);
}
