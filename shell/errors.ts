/** Errors as the shell shows them. */
import { EvaluationError } from "./evaluation_error.ts";
import type { Style } from "./style.ts";

/** An error whose message says everything: shown without its class. */
export class UserError extends Error {
  override name = "UserError";
}

const PERMISSIONS = "trapsh reads everywhere, writes in the folder where it was started, uses the network " +
  "of 127.0.0.1 for gdbserver, runs kill for Ctrl-Z, and does no more: see help scripts for the way to more";

/**
 * One message for people. The stack stays out of sight: it tells about the shell, not about the guest;
 * `TRAPSH_DEBUG=1` shows it.
 */
export function showError(error: Error, style: Style, debug = false): string {
  const text = error instanceof UserError || error instanceof EvaluationError
    ? error.message
    : systemError(error.message) ?? `${error.name}: ${error.message}`;
  const denied = error instanceof Deno.errors.NotCapable ? `\n${PERMISSIONS}` : "";
  const stack = debug && error.stack ? `\n${style.paint("dim", error.stack)}` : "";
  return `${style.paint("red", "error:")} ${text}${denied}${stack}\n`;
}

/** `guest.elf: no such file or directory`, of what Deno says of a file: `No such file or directory (os error 2): open 'guest.elf'`. */
function systemError(message: string): string | undefined {
  const [, what, file] = /^(.+) \(os error \d+\): \w+ '(.+)'$/.exec(message) ?? [];
  return what === undefined ? undefined : `${file}: ${what[0].toLowerCase()}${what.slice(1)}`;
}
