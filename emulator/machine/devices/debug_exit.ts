/** A port that ends the run, as QEMU's isa-debug-exit does: for guests that are tests. */
import type { Device } from "../device.ts";

/**
 * A device named `debug-exit` with one register of 4 bytes. A store ends the run with SYSTEM_EVENT and the stored
 * value as its code; stores of more than one access end it with the first.
 */
export function debugExitDevice(): Device {
  return {
    name: "debug-exit",
    size: 4,
    stateless: true,
    read: () => 0,
    write: (_offset, _size, value, context) => context.stop(Number(value)),
  };
}
