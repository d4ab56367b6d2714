/** A guest that a debugger lets run, to its end or until the debugger leaves it. */
import { abortable } from "../abortable.ts";
import { UserError } from "../errors.ts";
import type { Stop } from "../machine_types.ts";
import type { Session } from "../session.ts";
import { listeningText } from "./listening_text.ts";
import { monitor } from "./monitor.ts";
import { serveGdb } from "./server.ts";

/** Stops after which the guest can go on as if nothing had been. */
const DEBUGGERS = new Set<Stop["reason"]>(["DEBUG", "BUDGET", "UNTIL", "INTERRUPTED"]);

export interface DebugGuestOptions {
  /** As `gdbserver` takes it. */
  readonly port?: number;
  /** Brings the guest back to its beginning. */
  readonly restart?: () => void;
  /** Is given a line that says how to attach. */
  readonly tell?: (text: string) => void;
}

/**
 * Waits for one debugger's session. Answers the stop that the guest came to by itself, or undefined if it is to go on now.
 * Throws `UserError` if the debugger asked for its end.
 */
export async function debugGuest(
  session: Session,
  { port, tell, restart }: DebugGuestOptions,
): Promise<Stop | undefined> {
  const { vm } = session;
  await using server = serveGdb(() => session.vm, {
    port,
    restart,
    monitor: (line, signal) => monitor(session, line, signal),
  });
  tell?.(`${listeningText(vm, server.port)}; the guest waits`);
  const ended = await abortable(server.next(), session.signal);
  if (ended?.how === "killed") throw new UserError("The debugger ended the guest");
  return ended?.stop === undefined || DEBUGGERS.has(ended.stop.reason) ? undefined : ended.stop;
}
