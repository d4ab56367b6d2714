/** The device that `call`, `read` and `write` work on. */
import { didYouMean } from "../../../emulator/isa/edit_distance.ts";
import type { Handle } from "../../machine_types.ts";
import type { Session } from "../../session.ts";

/**
 * The handle opened last.
 * @throws {ReferenceError} if there is none, saying how to get one.
 */
export function currentHandle(session: Session): Handle {
  if (session.current !== undefined) return session.current;
  throw new ReferenceError(`No device is open: type "open NAME" first (${deviceNames(session)})`);
}

/** `there are echo, disk`, for messages. */
export function deviceNames(session: Session): string {
  const names = [...session.devices.keys()];
  return names.length === 0 ? "there are no devices: device add FILE" : `there are ${names.join(", ")}`;
}

/** @throws {ReferenceError} if the session has no device of that name, with the one that was meant. */
export function requireDevice(session: Session, name: string): void {
  if (session.devices.has(name) || session.vm.devices.get(name) !== undefined) return;
  const hint = didYouMean(name, session.devices.keys()) || `; ${deviceNames(session)}`;
  throw new ReferenceError(`There is no device ${JSON.stringify(name)}${hint}`);
}
