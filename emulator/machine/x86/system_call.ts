/** SYSCALL and SYSRET: to fixed flat segments, whatever their descriptors say. SDM vol. 2B, by mnemonic. */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import type { StateView } from "../../isa/isa.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { CS, EFER, FMASK, gpr, LSTAR, RCX, SS, STAR } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { flagsImage, loadFlags } from "./flags_image.ts";
import { isCanonical } from "./linear.ts";
import { announce, is64, privilegeOf } from "./mode.ts";
import { guarded } from "./protected.ts";
import { fillFlat } from "./segment_register.ts";

const SCE = 1n, R11 = gpr(11);
/** What SYSRET takes of R11. */
const RETURNED = 0x3c_7fd7n;

const undefinedHere = (why: string) => new Fault(EXCEPTION.UD, 0, why);

function needsEnabled(state: StateView): void {
  if (!is64(state)) throw undefinedHere("SYSCALL and SYSRET are there in 64-bit mode only");
  if (!(state.get64(EFER) & SCE)) throw undefinedHere("EFER.SCE is clear");
}

/** Of 64-bit mode only: AMD's processors have it in their other modes too, where it is an invalid opcode here. */
const systemCall: ArchTrap = (vcpu) => {
  const { state } = vcpu, level = privilegeOf(state);
  needsEnabled(state);
  const flags = flagsImage(state), base = Number(state.get64(STAR) >> 32n & 0xfffcn);
  state.set64(RCX, vcpu.nextPc);
  state.set64(R11, flags);
  fillFlat(state, CS, base, { privilege: 0, code: 64 });
  fillFlat(state, SS, base + 8 & 0xffff, { privilege: 0 });
  loadFlags(state, flags & ~state.get64(FMASK), -1n);
  state.set64(STATE.pc, state.get64(LSTAR));
  announce(vcpu, level);
  return traced(vcpu);
};

const systemReturn: ArchTrap = (vcpu) => {
  const { state } = vcpu, wide = vcpu.argument(0) === 8, level = privilegeOf(state);
  needsEnabled(state);
  if (privilegeOf(state) !== 0) throw new Fault(EXCEPTION.GP, 0, "SYSRET needs privilege level 0");
  const target = wide ? state.get64(RCX) : BigInt.asUintN(32, state.get64(RCX));
  if (!isCanonical(target)) throw new Fault(EXCEPTION.GP, 0, "SYSRET's target is not canonical");
  const base = Number(state.get64(STAR) >> 48n);
  fillFlat(state, CS, base + (wide ? 16 : 0) & 0xffff | 3, { privilege: 3, code: wide ? 64 : 32 });
  fillFlat(state, SS, base + 8 & 0xffff | 3, { privilege: 3 });
  loadFlags(state, state.get64(R11) & RETURNED, -1n);
  state.set64(STATE.pc, target);
  announce(vcpu, level);
  return traced(vcpu);
};

/** If TF is set, the next instruction is followed by a #DB. */
function traced(vcpu: Vcpu): Status {
  if (flagsImage(vcpu.state) & FLAG.TF) vcpu.engine.brake();
  return STATUS.redirect;
}

export const systemCallTraps: Readonly<Record<string, ArchTrap>> = {
  syscall: guarded(systemCall),
  sysret: guarded(systemReturn),
};
