/** What PowerPC's traps come to: hypercalls and system calls, privileged registers, interrupts. */
import { STATUS } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import { MSR, segment, SLOT } from "../../ppc/state.ts";
import { REACH } from "../processor.ts";
import type { ArchTrap } from "../traps.ts";
import {
  fault,
  interrupt,
  notTraced,
  privileged,
  reflect,
  reflectionExit,
  SRR1,
  VECTOR,
} from "./interrupt.ts";
import { cannotSet, floatExceptionWaits, movedMsr, returnedMsr, setMsr } from "./msr.ts";
import { moveFromSpr, moveToSpr, timebase } from "./sprs.ts";
import { systemCall } from "./system_call.ts";
import { emulated, inProblemState, missing } from "./trap_parts.ts";

export const ppcTraps: Readonly<Record<string, ArchTrap>> = {
  sc: systemCall,

  mfspr: moveFromSpr,
  mtspr: moveToSpr,

  mftb(vcpu, rule) {
    if (rule.do === "exit") emulated(vcpu, rule, vcpu.argument(0));
    vcpu.board.exits.markClockRead();
    const ticks = timebase(vcpu);
    vcpu.answer(vcpu.argument(0) === 269 ? ticks >> 32n : BigInt.asUintN(vcpu.isa.addressWidth, ticks));
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
    const msr = movedMsr(vcpu, vcpu.argument64(0), vcpu.argument64(1));
    const unable = cannotSet(vcpu, msr);
    if (unable) return missing(vcpu, unable);
    emulated(vcpu, rule, 0);
    // Nap on 32-bit processors; the bit is gone when the interrupt has come.
    const naps = (msr & MSR.POW) !== 0n && vcpu.interrupts !== undefined;
    const elsewhere = setMsr(vcpu, naps ? msr & ~MSR.POW : msr);
    if (floatExceptionWaits(vcpu)) {
      return interrupt(vcpu, VECTOR.program, vcpu.nextPc, SRR1.float | SRR1.next);
    }
    if (naps) return vcpu.halt();
    // An interrupt that was held off, or one that traces, is looked for before the next instruction.
    const looks = elsewhere || vcpu.interrupts !== undefined || vcpu.stepping;
    return looks ? vcpu.completeOnce() : STATUS.proceed;
  },
  rfi(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    const msr = returnedMsr(vcpu);
    const unable = cannotSet(vcpu, msr);
    if (unable) return missing(vcpu, unable);
    emulated(vcpu, rule, 0);
    const target = BigInt.asUintN(vcpu.isa.addressWidth, vcpu.state.get64(SLOT.srr0)) & ~3n;
    notTraced(vcpu);
    setMsr(vcpu, msr);
    if (floatExceptionWaits(vcpu)) return interrupt(vcpu, VECTOR.program, target, SRR1.float | SRR1.next);
    vcpu.state.set64(STATE.pc, target);
    return STATUS.redirect;
  },

  mfsr(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    emulated(vcpu, rule, 0);
    vcpu.answer(vcpu.state.get64(segment(vcpu.argument(0) & 15)));
    return STATUS.proceed;
  },
  mtsr(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    emulated(vcpu, rule, 0);
    vcpu.state.set64(segment(vcpu.argument(0) & 15), vcpu.argument64(1));
    vcpu.translationChanged();
    return vcpu.completeOnce();
  },
  // No translation outlives what it was made from: there is nothing to forget.
  tlbie(vcpu, rule, backend) {
    if (inProblemState(vcpu)) return privileged(vcpu, backend);
    emulated(vcpu, rule, 0);
    return STATUS.proceed;
  },

  touch(vcpu) {
    const { translation } = vcpu;
    if (!translation?.active(REACH.load)) return STATUS.proceed;
    const found = translation.translate(vcpu.argument(0), Number(vcpu.argument64(0) >> 32n), REACH.load);
    return found < 0 ? vcpu.processor.raise() : STATUS.proceed;
  },

  trap: (vcpu, _rule, backend) => reflect(vcpu, backend, VECTOR.program, SRR1.trap),
  exception: (vcpu, _rule, backend) => reflect(vcpu, backend, vcpu.argument(0), vcpu.argument64(1)),
  floatException(vcpu, _rule, backend) {
    // Status and result are written; SRR0 names the instruction all the same (precise mode, 6.5.9).
    reflectionExit(vcpu, backend, VECTOR.program);
    return interrupt(vcpu, VECTOR.program, vcpu.pc, SRR1.float);
  },
  alignment(vcpu, _rule, backend) {
    reflectionExit(vcpu, backend, VECTOR.alignment);
    vcpu.state.set64(SLOT.dar, vcpu.argument64(0));
    vcpu.state.set64(SLOT.dsisr, BigInt(vcpu.argument(1)));
    return fault(vcpu, VECTOR.alignment, 0n);
  },
};
