/** Breakpoints, watchpoints, catchpoints and source lines of one machine, set on the one that takes its place, with their numbers. */
import type { Vm } from "./machine_types.ts";

/** What the other machine cannot have is left out: another backend has other exits. */
export function takePoints(from: Vm, to: Vm): void {
  // A snapshot has symbols and no source lines.
  if (from.arch === to.arch) to.lines.add(from.lines.sequences);
  const reasons = to.catchpoints.reasons.map((name) => name.toUpperCase());
  for (const point of from.breakpoints.list()) to.breakpoints.take(point);
  for (const point of from.watchpoints.list()) to.watchpoints.take(point);
  for (const point of from.catchpoints.list()) {
    if (point.reason === undefined || reasons.includes(point.reason)) to.catchpoints.take(point);
  }
}
