/** A session on the real machine whose output a test can read. */
import { builtinDevices } from "../../../shell/builtin_devices.ts";
import { showError } from "../../../shell/errors.ts";
import { LiveSession } from "../../../shell/live_session.ts";
import { createShellTable } from "../../../shell/shell_table.ts";
import { plain } from "../../../shell/style.ts";

export interface Transcript {
  readonly session: LiveSession;
  /** Does a line and returns what it printed, an error too. */
  type(line: string): Promise<string>;
  /** Does lines and returns them with what they printed, as at a prompt. */
  typeAll(lines: readonly string[]): Promise<string>;
}

export function startSession(options: { interactive?: boolean } = {}): Transcript {
  let text = "";
  const out = { write: (part: string) => void (text += part) };
  const session = new LiveSession({
    table: createShellTable(),
    out,
    style: plain,
    devices: builtinDevices(out),
    ...options,
  });
  const type = async (line: string) => {
    text = "";
    const outcome = await session.execute(line);
    if (!outcome.ok) text += showError(outcome.error, plain);
    return text;
  };
  return {
    session,
    type,
    async typeAll(lines) {
      let all = "";
      for (const line of lines) all += `> ${line}\n${await type(line)}`;
      return all;
    },
  };
}
