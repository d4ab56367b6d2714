/** A session over the small table and the small machine. */
import { LiveSession, type SessionOptions } from "../../shell/live_session.ts";
import { stringSink } from "../../shell/sinks.ts";
import { plain } from "../../shell/style.ts";
import { fakeLayer } from "./fake_machine.ts";
import { smallTable } from "./small_table.ts";

/** The session, all that it prints, and what the machine layer was asked for. */
export function smallSession(options: Partial<SessionOptions> = {}) {
  const out = stringSink();
  const log: string[] = [];
  const session = new LiveSession({
    table: smallTable,
    out,
    style: plain,
    load: () => Promise.resolve(fakeLayer(log)),
    ...options,
  });
  return { session, out, log };
}
