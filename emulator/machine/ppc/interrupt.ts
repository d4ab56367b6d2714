/** How an interrupt of the guest's own is taken: SRR0, SRR1, the new MSR, and the exit that comes before it. */
import type { Backend } from "../../engine/backend.ts";
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import { LPCR_ILE, MSR, SLOT } from "../../ppc/state.ts";
import type { Vcpu } from "../vcpu.ts";
import { setMsr } from "./msr.ts";

/** Interrupt vectors: ISA 2.07B Book III-S 6.5, PowerPC Programming Environments Manual (32-bit) 6.4. */
export const VECTOR = {
  systemReset: 0x100,
  dataStorage: 0x300,
  instructionStorage: 0x400,
  external: 0x500,
  alignment: 0x600,
  program: 0x700,
  floatUnavailable: 0x800,
  decrementer: 0x900,
  systemCall: 0xc00,
  trace: 0xd00,
} as const;

/**
 * SRR1 of a program interrupt, by its cause: bits 43 to 46 of 64 (6.5.9). `next` is bit 47: SRR0 names a later
 * instruction than the one to blame.
 */
export const SRR1 = {
  float: 0x10_0000n,
  illegal: 0x8_0000n,
  privileged: 0x4_0000n,
  trap: 0x2_0000n,
  next: 0x1_0000n,
} as const;

/** Bits of SRR1 that tell about the interrupt, 33 to 36 and 42 to 47; the others are the MSR's (6.4.3). */
const SRR1_TOLD = 0x783f_0000n;
/** Where vectors begin with MSR[IP]=1 (Programming Environments Manual 6.2.1). */
const PREFIX = 0xfff0_0000n;
/** What an interrupt leaves as it is: 64 bits (figure 51 of 6.5), 32 bits (Programming Environments Manual 6.3). */
const KEPT_64 = MSR.SF | MSR.HV | MSR.ME, KEPT_32 = MSR.ILE | MSR.ME | MSR.IP;

/** Enters the guest's own interrupt handler (6.4.3); the instruction, if there is one, is executed. */
export function interrupt(vcpu: Vcpu, vector: number, srr0: bigint, srr1: bigint): Status {
  const { state } = vcpu;
  const msr = state.get64(SLOT.msr);
  notTraced(vcpu);
  state.set64(SLOT.srr0, srr0);
  state.set64(SLOT.srr1, msr & ~SRR1_TOLD | srr1);
  const narrow = vcpu.isa.addressWidth === 32;
  // The handlers' byte order is the supervisor's to choose in 32 bits, the hypervisor's in 64.
  const little = narrow ? msr & MSR.ILE : state.get64(SLOT.lpcr) & LPCR_ILE;
  setMsr(vcpu, msr & (narrow ? KEPT_32 : KEPT_64) | (little ? MSR.LE : 0n));
  state.set64(STATE.pc, vectorAddress(vcpu, vector));
  return STATUS.redirect;
}

/** Where a vector's handler begins. MSR[IP] survives interrupts. */
export function vectorAddress(vcpu: Vcpu, vector: number): bigint {
  const high = vcpu.isa.addressWidth === 32 && vcpu.state.get64(SLOT.msr) & MSR.IP;
  return (high ? PREFIX : 0n) | BigInt(vector);
}

/** The instruction at hand is none that a trace interrupt follows: it interrupts itself, or returns from there. */
export function notTraced(vcpu: Vcpu): void {
  vcpu.state.setNumber(SLOT.untraced, vcpu.engine.instructions);
}

/** As `interrupt`, from an instruction that is not executed: SRR0 is its address. */
export function fault(vcpu: Vcpu, vector: number, srr1: bigint): Status {
  interrupt(vcpu, vector, vcpu.pc, srr1);
  return vcpu.fault(vcpu.pc);
}

/** As `fault`, after the exit in which the hypervisor takes the exception and hands it back, where it does. */
export function reflect(vcpu: Vcpu, backend: Backend, vector: number, srr1 = 0n): Status {
  reflectionExit(vcpu, backend, vector);
  return fault(vcpu, vector, srr1);
}

/** Charges that exit. */
export function reflectionExit(vcpu: Vcpu, backend: Backend, vector: number): void {
  const rule = backend.traps.exception;
  if (rule.do !== "exit") return;
  const own = backend.reasons.find(({ reason, code }) => reason === rule.reason.reason && code === vector);
  vcpu.exits.kernelExit(own ?? rule.reason, vector);
}

/** A privileged instruction in problem state, or a hypervisor's register outside of hypervisor state. */
export function privileged(vcpu: Vcpu, backend: Backend): Status {
  return reflect(vcpu, backend, VECTOR.program, SRR1.privileged);
}

/**
 * An instruction that the processor does not have. Where there is a hypervisor mode the hypervisor is asked first
 * (hypervisor emulation assistance, 6.5.18) and hands it back as a program interrupt.
 */
export function illegal(vcpu: Vcpu, backend: Backend): Status {
  const assist = backend.reasons.find(({ code, keySpace }) =>
    code === EMULATION_ASSIST && keySpace === "none"
  );
  if (assist) vcpu.exits.kernelExit(assist, 0);
  else reflectionExit(vcpu, backend, VECTOR.program);
  return fault(vcpu, VECTOR.program, SRR1.illegal);
}

const EMULATION_ASSIST = 0xe40;
