/** Breakpoints, watchpoints and catchpoints of one machine, set on the one that takes its place, with their numbers. */
import type { Vm } from "./machine_types.ts";

/** What the other machine cannot have is left out: another backend has other exits. */
export function takePoints(from: Vm, to: Vm): void {
  const reasons = to.catchpoints.reasons.map((name) => name.toUpperCase());
  for (const point of from.breakpoints.list()) to.breakpoints.take(point);
  for (const point of from.watchpoints.list()) to.watchpoints.take(point);
  for (const point of from.catchpoints.list()) {
    if (point.reason === undefined || reasons.includes(point.reason)) to.catchpoints.take(point);
  }
}
