/** Instructions of privilege level 0 only. SDM vol. 3A, 5.9. */
import { CPL } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { guarded } from "./protected.ts";

/** #GP comes before what a hypervisor intercepts. SDM vol. 3C, 26.1.1. */
export function privileged(handler: ArchTrap): ArchTrap {
  return guarded((vcpu, rule, backend) => {
    const level = vcpu.state.get32(CPL);
    if (level !== 0) throw new Fault(EXCEPTION.GP, 0, `not allowed at privilege level ${level}`);
    return handler(vcpu, rule, backend);
  });
}
