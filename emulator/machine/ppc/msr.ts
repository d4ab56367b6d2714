/** Writing the machine state register: which bits each way of writing changes, and what a change brings about. */
import { FPSCR } from "../../ppc/float/fpscr.ts";
import { MSR, SLOT } from "../../ppc/state.ts";
import type { Vcpu } from "../vcpu.ts";

/** Bits that a POWER8 (2.07B Book III-S 3.2.1) and a 750 (User's Manual 2.1.2.1) have; the others read as 0. */
const COMMON = MSR.EE | MSR.PR | MSR.FP | MSR.ME | MSR.FE0 | MSR.SE | MSR.BE | MSR.FE1 | MSR.IR | MSR.DR |
  MSR.PMM | MSR.RI | MSR.LE;
const HAD_64 = COMMON | MSR.SF | MSR.HV | MSR.TS | MSR.TM | MSR.VEC | MSR.VSX;
const HAD_32 = COMMON | MSR.POW | MSR.ILE | MSR.IP;

/** `mtmsr` and `mtmsrd` do not write these in 64-bit processors (4.4.4), `rfid` only in hypervisor state (3.3.1). */
const NOT_MOVED = MSR.HV | MSR.ME | MSR.LE, NOT_RETURNED = MSR.HV | MSR.ME;
/** Problem state implies interrupts and translation, in 64-bit processors (3.2.1). */
const WITH_PR = MSR.EE | MSR.IR | MSR.DR;
/** SRR1's bits that `rfi` takes: 0, 5 to 9, 16 to 23, 25 to 27, 30, 31 (Programming Environments Manual, `rfi`). */
const RETURNED_32 = 0x87c0_ff73n;
/** SRR1's bits that `rfid` does not: 33 to 36 and 42 to 47 (3.3.1). */
const NOT_RETURNED_64 = 0x783f_0000n;

/** The MSR after `mtmsr` or `mtmsrd`, which write where `mask` has ones. */
export function movedMsr(vcpu: Vcpu, value: bigint, mask: bigint): bigint {
  const before = vcpu.state.get64(SLOT.msr);
  if (vcpu.isa.addressWidth === 32) return before & ~mask | value & mask & HAD_32;
  const written = mask & ~NOT_MOVED;
  return withProblemState(before & ~written | value & written & HAD_64);
}

/** The MSR after `rfi` or `rfid`. */
export function returnedMsr(vcpu: Vcpu): bigint {
  const before = vcpu.state.get64(SLOT.msr), srr1 = vcpu.state.get64(SLOT.srr1);
  // No return sets POW (750 User's Manual, `rfi`).
  if (vcpu.isa.addressWidth === 32) return (before & ~RETURNED_32 | srr1 & RETURNED_32 & HAD_32) & ~MSR.POW;
  const kept = NOT_RETURNED | NOT_RETURNED_64;
  return withProblemState(before & kept | srr1 & ~kept & HAD_64);
}

function withProblemState(msr: bigint): bigint {
  return msr & MSR.PR ? msr | WITH_PR : msr;
}

/** What the guest asks for that this version does not have. */
export function cannotSet(vcpu: Vcpu, msr: bigint): string | undefined {
  const { name, addressWidth } = vcpu.isa;
  if (addressWidth === 64) {
    if (!(msr & MSR.SF)) return `switching MSR[SF] in ${name}`;
    if (msr & (MSR.TS | MSR.TM)) return "transactional memory (MSR[TS], MSR[TM])";
    if (msr & (MSR.IR | MSR.DR)) return "address translation (MSR[IR], MSR[DR])";
  }
  return undefined;
}

/** Sets the register; the trap at hand must not answer `proceed` if that is true. */
export function setMsr(vcpu: Vcpu, msr: bigint): boolean {
  const before = vcpu.state.get64(SLOT.msr), changed = before ^ msr;
  vcpu.state.set64(SLOT.msr, msr);
  // Problem state matters to translation where there is any.
  const translates = changed & TRANSLATION || changed & MSR.PR && msr & TRANSLATION;
  if (translates) vcpu.translationChanged();
  if (changed & MSR.LE) vcpu.modeChanged();
  return Boolean(translates || changed & MSR.LE);
}

const TRANSLATION = MSR.IR | MSR.DR;

/** An enabled floating-point exception that has waited for MSR[FE0] or MSR[FE1] (6.5.9). */
export function floatExceptionWaits(vcpu: Vcpu): boolean {
  const { state } = vcpu;
  return (state.get64(SLOT.msr) & (MSR.FE0 | MSR.FE1)) !== 0n && (state.get32(SLOT.fpscr) & FPSCR.FEX) !== 0;
}
