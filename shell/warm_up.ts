/**
 * While the first line is typed: loads the emulator, and does in a session of its own what people do first, so that tables,
 * interpreters of both architectures and the commands' code are there when they are asked for. Nothing of it is kept.
 */
import { builtinDevices } from "./builtin_devices.ts";
import { LiveSession } from "./live_session.ts";
import type { Session } from "./session.ts";
import { plain } from "./style.ts";

/** For any architecture. Most of the time goes to the emulator (the first), to drivers of rings, and to other architectures. */
const LINES = [
  "info registers",
  "open echo",
  "call 1 0x2a",
  "write 0 0x2a",
  "asm nop",
  "step",
  "savevm state",
  "info exits",
  "vm.arch",
  "ring echo",
  "submit 0x2a",
  "compare echo 1 0x2a",
  "sweep call echo --over vehicle",
];

/** Keys are answered between two steps. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

/** Never rejects: what is wrong will be told by the command that meets it. */
export async function warmUp({ table, settings }: Session): Promise<void> {
  const out = { write() {} };
  const own = new LiveSession({ table, out, style: plain, settings, devices: builtinDevices(out) });
  for (const line of LINES) {
    await pause();
    await own.execute(line);
  }
  own.close();
}
