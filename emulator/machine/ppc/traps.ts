/** What PowerPC's traps come to: hypercalls and system calls, privileged registers, interrupts. */
import type { Backend, TrapRule } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import type { NativeReason } from "../../engine/native_reason.ts";
import { STATE } from "../../ir/layout.ts";
import { KVM_MAGIC_R0 } from "../../ppc/kvm_pr.ts";
import { SPECIAL_REGISTERS, type SpecialRegister } from "../../ppc/special_registers.ts";
import { gpr, MSR, SLOT } from "../../ppc/state.ts";
import type { ArchTrap } from "../traps.ts";
import { unimplemented } from "../unimplemented.ts";
import type { Vcpu } from "../vcpu.ts";

/** H_FUNCTION (PAPR) and EV_UNIMPLEMENTED (ePAPR 1.1, table 8-5). */
const H_FUNCTION = -2n, EV_UNIMPLEMENTED = 12n;
/** Interrupt vectors, ISA 2.07B Book III-S 6.5. */
const ALIGNMENT = 0x600, PROGRAM = 0x700, SYSTEM_CALL = 0xc00;
/** MSR[POW] of 32-bit processors (PowerPC 750 User's Manual 2.1.2.1); in the ISA's numbering bit 45. */
const POWER_MANAGEMENT = 0x4_0000n;
/** SRR1 of a program interrupt, by its cause: bits 43, 45 and 46 of 64 (6.5.9). */
const SRR1 = { float: 0x10_0000n, privileged: 0x4_0000n, trap: 0x2_0000n } as const;

export const ppcTraps: Readonly<Record<string, ArchTrap>> = {
  sc(vcpu, rule, backend) {
    const level = vcpu.argument(0);
    if (backend.name === "kvm-hv") {
      if (level !== 1 || rule.do !== "exit") return interrupt(vcpu, SYSTEM_CALL, vcpu.nextPc, 0n);
      return vcpu.hypercall(
        rule.reason,
        vcpu.state.get32(gpr(3)),
        () => vcpu.state.set64(gpr(3), H_FUNCTION),
      );
    }
    if (rule.do !== "exit") return interrupt(vcpu, SYSTEM_CALL, vcpu.nextPc, 0n);
    // One that is gone on with after its device was waited for may have set r0.
    if (vcpu.replays || vcpu.state.get32(gpr(0)) === KVM_MAGIC_R0) {
      return vcpu.hypercall(
        rule.reason,
        vcpu.state.get32(gpr(11)),
        () => vcpu.state.set64(gpr(3), EV_UNIMPLEMENTED),
      );
    }
    // An ordinary system call: comes out as well, and is reflected into the guest.
    const reflected = backend.reasons.find((r) => r.code === rule.reason.code && r !== rule.reason) ??
      rule.reason;
    vcpu.kernelExit(reflected, SYSTEM_CALL);
    return interrupt(vcpu, SYSTEM_CALL, vcpu.nextPc, 0n);
  },

  mfspr(vcpu, rule, backend) {
    const spr = vcpu.argument(0);
    if (isPrivilegedSpr(spr) && inProblemState(vcpu)) return privileged(vcpu, backend);
    const register = keptRegister(spr);
    if (register === undefined) return missing(vcpu, `mfspr of SPR ${spr}`);
    if (leavesGuest(register, backend)) emulated(vcpu, rule, spr);
    vcpu.answer(register.slot === SLOT.dec ? decrementer(vcpu) : vcpu.state.get64(register.slot));
    return STATUS.proceed;
  },
  mtspr(vcpu, rule, backend) {
    const spr = vcpu.argument(0);
    if (isPrivilegedSpr(spr) && inProblemState(vcpu)) return privileged(vcpu, backend);
    const register = keptRegister(spr);
    if (register === undefined || register.readOnly) return missing(vcpu, `mtspr to SPR ${spr}`);
    if (leavesGuest(register, backend)) emulated(vcpu, rule, spr);
    const value = narrowTo(vcpu.argument64(1), widthOf(vcpu, register.slot));
    const write = () => vcpu.state.set64(register.slot, value);
    if (register.slot !== SLOT.dec) write();
    else {
      const load = () => {
        write();
        vcpu.state.set64(SLOT.decBase, timebase(vcpu));
      };
      if (vcpu.interrupts) vcpu.interrupts.writeTimer(load);
      else load();
    }
    return STATUS.proceed;
  },

  mftb(vcpu, rule) {
    if (rule.do === "exit") emulated(vcpu, rule, vcpu.argument(0));
    vcpu.board.exits.markClockRead();
    const ticks = timebase(vcpu);
    vcpu.answer(vcpu.argument(0) === 269 ? ticks >> 32n : narrow(vcpu, ticks));
    return STATUS.proceed;
  },

  mfmsr(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    emulated(vcpu, rule, 0);
    vcpu.answer(vcpu.state.get64(SLOT.msr));
    return STATUS.proceed;
  },
  mtmsr(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    // The second argument has ones where the instruction changes the MSR.
    const mask = vcpu.argument64(1);
    const value = vcpu.state.get64(SLOT.msr) & ~mask | vcpu.argument64(0) & mask;
    const unable = cannotSet(vcpu, value);
    if (unable) return missing(vcpu, unable);
    emulated(vcpu, rule, 0);
    if (!vcpu.interrupts) {
      vcpu.state.set64(SLOT.msr, value);
      return STATUS.proceed;
    }
    // Nap on 32-bit processors; the bit is gone when the interrupt has come.
    const naps = (value & POWER_MANAGEMENT) !== 0n && vcpu.isa.addressWidth === 32;
    vcpu.state.set64(SLOT.msr, naps ? value & ~POWER_MANAGEMENT : value);
    if (naps) return vcpu.halt();
    vcpu.state.set64(STATE.pc, vcpu.nextPc);
    return STATUS.redirect;
  },
  rfi(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    const msr = vcpu.state.get64(SLOT.srr1);
    const unable = cannotSet(vcpu, msr);
    if (unable) return missing(vcpu, unable);
    emulated(vcpu, rule, 0);
    vcpu.state.set64(SLOT.msr, msr);
    vcpu.state.set64(STATE.pc, narrow(vcpu, vcpu.state.get64(SLOT.srr0)) & ~3n);
    return STATUS.redirect;
  },

  trap(vcpu, rule) {
    emulated(vcpu, rule, PROGRAM);
    return fault(vcpu, PROGRAM, SRR1.trap);
  },
  exception(vcpu, rule) {
    emulated(vcpu, rule, vcpu.argument(0));
    return fault(vcpu, vcpu.argument(0), vcpu.argument64(1));
  },
  floatException(vcpu, rule) {
    // Status and result are written; SRR0 names the instruction all the same (precise mode, 6.5.9).
    emulated(vcpu, rule, PROGRAM);
    return interrupt(vcpu, PROGRAM, vcpu.pc, SRR1.float);
  },
  alignment(vcpu, rule) {
    emulated(vcpu, rule, ALIGNMENT);
    vcpu.state.set64(SLOT.dar, vcpu.argument64(0));
    vcpu.state.set64(SLOT.dsisr, BigInt(vcpu.argument(1)));
    return fault(vcpu, ALIGNMENT, 0n);
  },
};

/** An SPR that has a place in the state. */
function keptRegister(spr: number): SpecialRegister & { slot: number } | undefined {
  const register = SPECIAL_REGISTERS.get(spr);
  return register?.slot === undefined ? undefined : { ...register, slot: register.slot };
}

/** By its number: the lower half's top bit (Book III-S 4.4.4). */
function isPrivilegedSpr(spr: number): boolean {
  return (spr & 0x10) !== 0;
}

function inProblemState(vcpu: Vcpu): boolean {
  return (vcpu.state.get64(SLOT.msr) & MSR.PR) !== 0n;
}

/** A privileged instruction in problem state. */
function privileged(vcpu: Vcpu, backend: Backend): Status {
  emulated(vcpu, backend.traps.exception, PROGRAM);
  return fault(vcpu, PROGRAM, SRR1.privileged);
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
  return backend.name === "kvm-hv" ? access === "hypervisor" : access !== "user";
}

/** Charges the exit of a privileged instruction, where it is one. */
function emulated(vcpu: Vcpu, rule: TrapRule, key: number): void {
  if (rule.do === "exit") vcpu.kernelExit(rule.reason as NativeReason, key);
}

/** Ticks since the VM was made: virtual time in cycles, scaled by the profile's two rates. */
function timebase(vcpu: Vcpu): bigint {
  const { timebaseHz, coreHz } = vcpu.board.exits.profile;
  if (timebaseHz === undefined || coreHz === undefined) {
    throw new TypeError("a PowerPC profile names timebaseHz and coreHz");
  }
  return BigInt(vcpu.cycles) * BigInt(timebaseHz) / BigInt(coreHz);
}

/** As `interrupt`, from an instruction that is not executed: SRR0 is its address. */
function fault(vcpu: Vcpu, vector: number, srr1: bigint): Status {
  interrupt(vcpu, vector, vcpu.pc, srr1);
  return vcpu.fault(BigInt(vector));
}

/** Enters the guest's own interrupt handler (ISA 2.07B Book III-S 6.4.3); the instruction is executed. */
export function interrupt(vcpu: Vcpu, vector: number, srr0: bigint, srr1: bigint): Status {
  const msr = vcpu.state.get64(SLOT.msr);
  vcpu.state.set64(SLOT.srr0, srr0);
  // Bits 33 to 36 and 42 to 47 tell about the interrupt, the others are the MSR's.
  vcpu.state.set64(SLOT.srr1, msr & ~0x783f_0000n | srr1);
  vcpu.state.set64(SLOT.msr, msr & ~CLEARED);
  vcpu.state.set64(STATE.pc, BigInt(vector));
  return STATUS.redirect;
}

/** What an interrupt clears in the MSR (6.4.3); SF and LE stay as they are, ME too. */
const CLEARED = MSR.EE | MSR.PR | MSR.FP | MSR.FE0 | MSR.SE | MSR.BE | MSR.FE1 | MSR.IR | MSR.DR | MSR.RI;

function cannotSet(vcpu: Vcpu, msr: bigint): string | undefined {
  const { name, addressWidth, order } = vcpu.isa;
  if (((msr & MSR.SF) !== 0n) !== (addressWidth === 64)) return `switching MSR[SF] in ${name}`;
  if (((msr & MSR.LE) !== 0n) !== (order === "le")) return `switching MSR[LE] in ${name}`;
  if ((msr & (MSR.IR | MSR.DR)) !== 0n) return "address translation (MSR[IR], MSR[DR])";
  if ((msr & (MSR.SE | MSR.BE)) !== 0n) return "tracing (MSR[SE], MSR[BE])";
  return undefined;
}

function missing(vcpu: Vcpu, what: string): Status {
  return vcpu.stopAgain(unimplemented(vcpu.offender, what, `${what} is not implemented`));
}

function narrow(vcpu: Vcpu, value: bigint): bigint {
  return narrowTo(value, vcpu.isa.addressWidth);
}

function narrowTo(value: bigint, width: number): bigint {
  return BigInt.asUintN(width, value);
}
