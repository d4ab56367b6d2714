/** `mfspr` and `mtspr` of registers that are no plain state, and the timebase. */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import { SPECIAL_REGISTERS, type SpecialRegister } from "../../ppc/special_registers.ts";
import { MSR, SLOT } from "../../ppc/state.ts";
import type { Vcpu } from "../vcpu.ts";
import { illegal, privileged } from "./interrupt.ts";
import { emulated, inProblemState, missing } from "./trap_parts.ts";

type Kept = SpecialRegister & { readonly slot: number };

export function moveFromSpr(vcpu: Vcpu, rule: TrapRule, backend: Backend): Status {
  const spr = vcpu.argument(0), register = registerOf(vcpu, spr);
  const refusal = refuse(vcpu, backend, spr, register);
  if (refusal !== undefined) return refusal;
  if (!isKept(register)) return missing(vcpu, `mfspr of SPR ${spr}`);
  if (leavesGuest(register, backend)) emulated(vcpu, rule, spr);
  vcpu.answer(register.slot === SLOT.dec ? decrementer(vcpu) : vcpu.state.get64(register.slot));
  return STATUS.proceed;
}

export function moveToSpr(vcpu: Vcpu, rule: TrapRule, backend: Backend): Status {
  const spr = vcpu.argument(0), found = registerOf(vcpu, spr);
  const register = found?.readOnly ? undefined : found;
  const refusal = refuse(vcpu, backend, spr, register);
  if (refusal !== undefined) return refusal;
  if (!isKept(register)) return missing(vcpu, `mtspr to SPR ${spr}`);
  if (leavesGuest(register, backend)) emulated(vcpu, rule, spr);
  const { slot, mask = (1n << 64n) - 1n } = register;
  const value = BigInt.asUintN(widthOf(vcpu, slot), vcpu.argument64(1)) & mask;
  const write = () => vcpu.state.set64(slot, value);
  if (slot === SLOT.dec) {
    const load = () => {
      write();
      vcpu.state.set64(SLOT.decBase, timebase(vcpu));
    };
    if (vcpu.interrupts) vcpu.interrupts.writeTimer(load);
    else load();
    return STATUS.proceed;
  }
  write();
  if (!register.translates) return STATUS.proceed;
  vcpu.translationChanged();
  return vcpu.completeOnce();
}

/** Ticks since the VM was made: virtual time in cycles, scaled by the profile's two rates. */
export function timebase(vcpu: Vcpu): bigint {
  const { timebaseHz, coreHz } = vcpu.board.exits.profile;
  if (timebaseHz === undefined || coreHz === undefined) {
    throw new TypeError("a PowerPC profile names timebaseHz and coreHz");
  }
  return BigInt(vcpu.cycles) * BigInt(timebaseHz) / BigInt(coreHz);
}

function registerOf(vcpu: Vcpu, spr: number): SpecialRegister | undefined {
  return SPECIAL_REGISTERS[vcpu.isa.addressWidth].get(spr);
}

function isKept(register: SpecialRegister | undefined): register is Kept {
  return register?.slot !== undefined;
}

/** The numbers that are illegal in supervisor state too. */
const ALWAYS_ILLEGAL = new Set([0, 4, 5, 6]);

/**
 * Book III-S 4.4.4, by the number's bit for privilege (the lower half's top one). Set: privileged in problem state,
 * whether there is such a register or not. A number that the processor does not know: illegal in problem state if that
 * bit is clear; in supervisor state the instruction does nothing, but for four numbers which are illegal. The 32-bit
 * manual (Programming Environments Manual, `mtspr`) leaves all of these undefined or illegal: the same is done.
 *
 * A hypervisor's register in supervisor state: ISA 2.03 lets the processor do nothing or interrupt; it interrupts.
 */
function refuse(
  vcpu: Vcpu,
  backend: Backend,
  spr: number,
  register: SpecialRegister | undefined,
): Status | undefined {
  const problem = inProblemState(vcpu);
  if (problem && (spr & 0x10) !== 0) return privileged(vcpu, backend);
  if (register === undefined) {
    return problem || ALWAYS_ILLEGAL.has(spr) ? illegal(vcpu, backend) : vcpu.completeOnce();
  }
  const hypervised = register.access === "hypervisor" && !(vcpu.state.get64(SLOT.msr) & MSR.HV);
  return hypervised ? privileged(vcpu, backend) : undefined;
}

/** What the decrementer has counted down to: one a tick of the timebase, from what was written to it. */
function decrementer(vcpu: Vcpu): bigint {
  vcpu.board.exits.markClockRead();
  const since = timebase(vcpu) - vcpu.state.get64(SLOT.decBase);
  return BigInt.asUintN(32, vcpu.state.get64(SLOT.dec) - since);
}

/** Bits of a register: DEC, DSISR have 32 in every mode. */
function widthOf(vcpu: Vcpu, slot: number): 32 | 64 {
  return slot === SLOT.dec || slot === SLOT.dsisr ? 32 : vcpu.isa.addressWidth;
}

/** Under hypervisor mode the supervisor's registers are the guest's own; in user mode only the user's are. */
function leavesGuest({ access }: SpecialRegister, backend: Backend): boolean {
  return backend.name === "kvm-pr" && access !== "user";
}
