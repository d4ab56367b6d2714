/** Experiments that run by themselves, with packages and permissions of their own. */
import { builtinDevices } from "./builtin_devices.ts";
import { showError } from "./errors.ts";
import { LiveSession } from "./live_session.ts";
import { type Script, scriptContext } from "./script.ts";
import { createShellTable } from "./shell_table.ts";
import { createStyle, mayColor } from "./style.ts";
import { openTerminal } from "./terminal.ts";

/**
 * Calls `script` with a context of its own, as `trapsh run` does, and ends the process with its exit
 * status: 1 with a message if it throws, else the number that it returns, or 0. The words of the command
 * line are its arguments; `--json` among them is taken off.
 *
 * @example
 * ```ts ignore
 * export default function experiment({ args, out }: ScriptContext) {
 *   out.write(`${args.length} arguments\n`);
 * }
 * if (import.meta.main) await standalone(experiment);
 * ```
 */
export async function standalone(script: Script): Promise<never> {
  const { out, err, progress } = openTerminal(environment);
  const style = createStyle(mayColor(Deno.stdout.isTerminal(), environment));
  const session = new LiveSession({
    table: createShellTable(),
    out,
    style,
    json: Deno.args.includes("--json"),
    devices: builtinDevices(out),
    progress,
  });
  try {
    await session.ready();
    const result = await script(scriptContext(session, Deno.args));
    Deno.exit(typeof result === "number" ? result : session.quitStatus ?? (session.signal.aborted ? 130 : 0));
  } catch (error) {
    err.write(showError(error instanceof Error ? error : new Error(String(error)), style));
    Deno.exit(1);
  }
}

/** Without permission to look, as without the variable. */
function environment(name: string): string | undefined {
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted"
    ? Deno.env.get(name)
    : undefined;
}
