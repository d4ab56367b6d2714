/** Devices that every session begins with. */
import { echoDevice } from "../emulator/machine/devices/echo.ts";
import { consoleDevice, type Input } from "./console_device.ts";
import { exitDevice } from "./debug_exit_device.ts";
import type { SessionDevice, Sink } from "./session.ts";

/**
 * `echo`, so that transports can be tried without a file; `console`, which prints to `out` and reads `input`;
 * `debug-exit`, by which a guest ends itself.
 */
export function builtinDevices(out: Sink, input?: Input): SessionDevice[] {
  return [{ device: echoDevice() }, consoleDevice(out, input), exitDevice()];
}
