/** Devices that every session begins with. */
import { echoDevice } from "../emulator/machine/devices/echo.ts";
import type { SessionDevice } from "./session.ts";

/** `echo`, so that transports can be tried without a file. */
export function builtinDevices(): SessionDevice[] {
  return [{ device: echoDevice() }];
}
