/** Where a session's device goes on a machine. */
import type { Vm } from "./machine_types.ts";
import type { SessionDevice } from "./session.ts";

/** The place asked for; a machine without port I/O finds the device by its window alone. */
export function placeOn(vm: Vm, { at }: SessionDevice): SessionDevice["at"] {
  if (at?.port === undefined || vm.arch !== "ppc") return at;
  const { port: _, ...rest } = at;
  return rest;
}
