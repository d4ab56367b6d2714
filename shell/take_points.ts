/** Breakpoints, watchpoints and catchpoints of one machine, set on the one that takes its place. */
import type { Vm } from "./machine_types.ts";

/** In the order of their numbers, which begin anew. What the other machine cannot have is left out. */
export function takePoints(from: Vm, to: Vm): void {
  const setters = [
    ...from.breakpoints.list().map((one) => ({
      one,
      set: () => to.breakpoints.add(one.address, one),
    })),
    ...from.watchpoints.list().map((one) => ({ one, set: () => to.watchpoints.add(one, one) })),
    ...from.catchpoints.list().map((one) => ({ one, set: () => to.catchpoints.add(one, one) })),
  ];
  for (const { set } of setters.sort((a, b) => a.one.id - b.one.id)) {
    try {
      set();
    } catch (error) {
      // Another backend has other exits, another width other addresses.
      if (!(error instanceof RangeError)) throw error;
    }
  }
}
