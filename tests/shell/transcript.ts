/** What a session prints for the lines that it is given, as someone at the prompt would see it. */
import { builtinDevices } from "../../shell/builtin_devices.ts";
import { showError } from "../../shell/errors.ts";
import { LiveSession } from "../../shell/live_session.ts";
import { createShellTable } from "../../shell/shell_table.ts";
import { stringSink } from "../../shell/sinks.ts";
import { plain } from "../../shell/style.ts";

/** The whole shell, without a terminal. Goes on after errors, as the prompt does. */
export async function transcript(lines: readonly string[]): Promise<string> {
  const out = stringSink();
  const session = new LiveSession({
    table: createShellTable(),
    out,
    style: plain,
    devices: builtinDevices(out),
  });
  let pending = "";
  for (const line of lines) {
    out.write(`${pending === "" ? ">" : "..."} ${line}\n`);
    const text = pending === "" ? line : `${pending}\n${line}`;
    const outcome = await session.execute(text);
    pending = outcome.ok && outcome.kind === "incomplete" ? text : "";
    if (!outcome.ok) out.write(showError(outcome.error, plain));
  }
  session.close();
  return out.text;
}
