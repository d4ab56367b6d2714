/** How much RAM a machine has. */
import type { Vm } from "./machine_types.ts";

/** Bytes of guest RAM, without what the machine or its transports put beside it. */
export function ramOf({ memory }: Pick<Vm, "memory">): number {
  // "ram", and in real mode "ram high" beyond the hole of the adapters.
  return memory.slots.reduce((sum, { name, size }) => /^ram\b/.test(name) ? sum + size : sum, 0);
}
