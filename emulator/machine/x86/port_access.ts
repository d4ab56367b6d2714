/** An access to a port, as IN, OUT and their repeated kin make it. */
import type { Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import type { AccessSize } from "../bus.ts";
import type { AccessWay } from "../exit_path.ts";
import type { Vcpu } from "../vcpu.ts";

/** The trap at hand accesses the port of argument 0 by the size of argument 1; what goes out stands in argument 2. */
export function portAccess(
  vcpu: Vcpu,
  native: NativeReason,
  direction: "in" | "out",
  way?: AccessWay,
): Status {
  const { exits, board } = vcpu;
  const port = vcpu.argument(0), size = vcpu.argument(1) as AccessSize, value = vcpu.argument(2);
  return exits.access(board.ports, native, port, direction, size, value, way);
}
