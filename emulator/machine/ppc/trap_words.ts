/** What decides where the exit of a PowerPC trap goes: see `TrapHandler.dependsOn`. */
import { STATE } from "../../ir/layout.ts";
import type { Personality } from "../hypervisors/hypervisor.ts";

/** A call of the hypervisor: its level, and what the personality looks at. */
export function ppcDependsOn(trap: string, { callWords }: Personality): readonly number[] | undefined {
  return trap === "sc" && callWords ? [STATE.args, ...callWords] : undefined;
}
