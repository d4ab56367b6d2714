/** What decides where the exit of an x86 trap goes: see `TrapHandler.dependsOn`. */
import { STATE } from "../../ir/layout.ts";
import { CPL, CR, EFLAGS_REST } from "../../x86/slots.ts";
import type { Personality } from "../hypervisors/hypervisor.ts";

/** Port and size, and what the processor checks before: mode, IOPL and privilege level. */
const PORT_WORDS = [STATE.args, STATE.args + 8, CR, EFLAGS_REST, CPL] as const;

/** Ports that carry registers make of an access what the registers say. */
export function x86DependsOn(trap: string, hypervisor: Personality): readonly number[] | undefined {
  const { backdoor, stringDoor, callWords } = hypervisor;
  if (trap === "in" || trap === "out") return backdoor || stringDoor ? undefined : PORT_WORDS;
  return trap === "vmcall" || trap === "vmmcall" ? callWords : undefined;
}
