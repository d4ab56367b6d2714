/** From a trap of the ISA to what the backend does with it: one handler per trap, made when a VM is made. */
import type { Backend, TrapRule } from "../engine/backend.ts";
import type { Status } from "../engine/host.ts";
import type { Isa } from "../isa/isa.ts";
import type { Vcpu } from "./vcpu.ts";

/** Handles a trap of the vCPU. */
export type TrapHandler = (vcpu: Vcpu) => Status;

/** What an architecture does on a trap, under the backend's rule for it. */
export type ArchTrap = (vcpu: Vcpu, rule: TrapRule, backend: Backend) => Status;

/** The handlers of an ISA's traps by number. Throws `TypeError` if a trap has no rule or no handler. */
export function bindTraps(
  isa: Isa,
  backend: Backend,
  handlers: Readonly<Record<string, ArchTrap>>,
): TrapHandler[] {
  return isa.traps.map((name) => {
    const helper = isa.helpers?.[name];
    if (helper) return (vcpu) => helper(vcpu.state, vcpu) as Status;
    const rule = backend.traps[name], handler = handlers[name];
    if (!rule) throw new TypeError(`backend ${backend.name} has no rule for trap ${name} of ${isa.name}`);
    if (!handler) throw new TypeError(`no handler for trap ${name} of ${isa.name}`);
    return (vcpu) => handler(vcpu, rule, backend);
  });
}
