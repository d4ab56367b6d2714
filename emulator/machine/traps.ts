/** From a trap of the ISA to what the backend does with it: one handler per trap, made when a VM is made. */
import type { Backend, TrapRule } from "../engine/backend.ts";
import type { Status } from "../engine/host.ts";
import type { Isa } from "../isa/isa.ts";
import type { Personality } from "./hypervisors/hypervisor.ts";
import type { Vcpu } from "./vcpu.ts";

/** Handles a trap of the vCPU. */
export interface TrapHandler {
  handle(vcpu: Vcpu): Status;
  /** Words of state (their offsets, at most `MOST_SEEN`) that decide where its exit goes, where those are all. */
  readonly dependsOn: readonly number[] | undefined;
}

/** What an architecture does on a trap, under the backend's rule for it. */
export type ArchTrap = (vcpu: Vcpu, rule: TrapRule, backend: Backend) => Status;

/** The traps of an architecture. */
export interface ArchTraps {
  /** By name. */
  readonly traps: Readonly<Record<string, ArchTrap>>;
  /** By name, `TrapHandler.dependsOn` of those that come to one exit at most. */
  dependsOn(trap: string, hypervisor: Personality): readonly number[] | undefined;
}

/** The handlers of an ISA's traps by number. Throws `TypeError` if a trap has no rule or no handler. */
export function bindTraps(
  isa: Isa,
  backend: Backend,
  { traps, dependsOn }: ArchTraps,
  hypervisor: Personality,
): TrapHandler[] {
  return isa.traps.map((name) => {
    const helper = isa.helpers?.[name];
    if (helper) return { handle: (vcpu) => helper(vcpu.state, vcpu) as Status, dependsOn: undefined };
    const rule = backend.traps[name], handler = traps[name];
    if (!rule) throw new TypeError(`backend ${backend.name} has no rule for trap ${name} of ${isa.name}`);
    if (!handler) throw new TypeError(`no handler for trap ${name} of ${isa.name}`);
    return { handle: (vcpu) => handler(vcpu, rule, backend), dependsOn: dependsOn(name, hypervisor) };
  });
}
