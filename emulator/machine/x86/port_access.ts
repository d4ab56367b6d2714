/** An access to a port, as IN, OUT and their repeated kin make it. */
import type { Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import type { AccessSize, BusHandler } from "../bus.ts";
import type { Vcpu } from "../vcpu.ts";

/**
 * The trap at hand accesses the port of argument 0 by the size of argument 1; the value stands in argument 2 where it goes
 * out. `further` tells, for an iteration of a repeated instruction, how many more are completed in the exit that it begins;
 * `own` takes it whatever stands on the bus.
 */
export function portAccess(
  vcpu: Vcpu,
  native: NativeReason,
  direction: "in" | "out",
  further?: (inKernel: boolean) => number,
  own?: BusHandler,
): Status {
  const { exits, board } = vcpu;
  const port = vcpu.argument(0), size = vcpu.argument(1) as AccessSize, value = vcpu.argument(2);
  exits.further = further;
  try {
    return exits.access(board.ports, native, port, direction, size, value, false, own);
  } finally {
    exits.further = undefined;
  }
}
