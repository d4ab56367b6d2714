/**
 * Who may execute what: privileged and I/O-sensitive instructions. SDM vol. 3A, 5.9; vol. 1, 19.5. The exceptions come
 * before any VM exit: vol. 3C, 26.1.1. LGDT, LIDT, LLDT, LTR and LMSW are checked in their definitions, before their
 * operands are looked at.
 */
import { CR } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { isBackdoor } from "./hypercalls.ts";
import { ioPrivilegeOf, isReal, isVirtual8086, privilegeOf } from "./mode.ts";
import { guarded } from "./protected.ts";
import { allowsPorts } from "./tss.ts";

/** Throws where the instruction is not allowed. */
type Check = (vcpu: Vcpu) => void;

const general = (why: string) => new Fault(EXCEPTION.GP, 0, why);

function systemOnly({ state }: Vcpu): void {
  if (isReal(state)) return;
  const level = privilegeOf(state);
  if (level > 0) throw general(`privilege level ${level} is not 0`);
}

/** IN and OUT: by IOPL, or by the task's bit map; in virtual-8086 mode by the bit map only. */
function ports(vcpu: Vcpu): void {
  const { state } = vcpu;
  if (isReal(state) || privilegeOf(state) <= ioPrivilegeOf(state) && !isVirtual8086(state)) return;
  vcpu.exits.ways.dependsOnMore();
  // VMware opens its own to everybody.
  if (isBackdoor(vcpu)) return;
  const port = vcpu.argument(0);
  if (!allowsPorts(vcpu, port, vcpu.argument(1))) {
    throw general(`port 0x${port.toString(16)} is not open to privilege level ${privilegeOf(state)}`);
  }
}

const TSD = 4n;

function clock(vcpu: Vcpu): void {
  if (vcpu.state.get64(CR + 8 * 4) & TSD) systemOnly(vcpu);
}

const CHECKS: Readonly<Record<string, Check>> = {
  in: ports,
  out: ports,
  ins: ports,
  outs: ports,
  rdtsc: clock,
  rdtscp: clock,
  ...Object.fromEntries(
    [
      "hlt",
      "mov_to_cr",
      "mov_from_cr",
      "mov_to_dr",
      "mov_from_dr",
      "clts",
      "invlpg",
      "rdmsr",
      "wrmsr",
      "swapgs",
      "invd",
      "wbinvd",
    ].map((name) => [name, systemOnly]),
  ),
};

/** The same handlers, behind the checks of their instructions. */
export function checked(handlers: Readonly<Record<string, ArchTrap>>): Readonly<Record<string, ArchTrap>> {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [name, behind(CHECKS[name], handler)]),
  );
}

function behind(check: Check | undefined, handler: ArchTrap): ArchTrap {
  if (!check) return handler;
  return guarded((vcpu, rule, backend) => {
    check(vcpu);
    return handler(vcpu, rule, backend);
  });
}
