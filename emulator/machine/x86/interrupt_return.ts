/** IRET where segments have descriptors, and in virtual-8086 mode. SDM vol. 2A, IRET; vol. 3A, 6.14.3. */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import {
  CPL,
  CS,
  DS,
  EFLAGS_REST,
  ES,
  FS,
  GS,
  RSP,
  segmentBase,
  segmentSelector,
  SS,
} from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { claim, returnTarget } from "./code_segment.ts";
import { guarded } from "./protected.ts";
import { goTo, returnOutward } from "./far.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { changeable, IOPL, loadFlags, NT, setVirtual } from "./flags_image.ts";
import { announce, ioPrivilegeOf, is64, isLong, isVirtual8086, privilegeOf, VM } from "./mode.ts";
import { plainSegment } from "./segment_register.ts";
import { above, currentStack, peek, setStackPointer } from "./stack.ts";
import { returnToTask } from "./task_switch.ts";

const selectorOf = (word: bigint) => Number(word & 0xffffn);
const general = (why: string) => new Fault(EXCEPTION.GP, 0, why);

function interruptReturn(vcpu: Vcpu): Status {
  const { state } = vcpu, size = vcpu.argument(0), level = privilegeOf(state);
  if (isVirtual8086(state)) returnWithin8086(vcpu, size);
  else if (state.get64(EFLAGS_REST) & NT) {
    if (isLong(state)) throw general("EFLAGS.NT is set");
    return returnToTask(vcpu);
  } else returnByFrame(vcpu, size);
  announce(vcpu, level);
  // The next instruction is followed by a #DB.
  if (state.get64(EFLAGS_REST) & FLAG.TF) vcpu.engine.brake();
  return STATUS.redirect;
}

function returnByFrame(vcpu: Vcpu, size: number): void {
  const { state } = vcpu, level = privilegeOf(state), stack = currentStack(state, level);
  const [offset, cs, flags] = peek(vcpu, stack, 3, size);
  if (flags & VM && size === 4 && level === 0 && !isLong(state)) return enter8086(vcpu, offset, cs, flags);
  const target = returnTarget(vcpu, selectorOf(cs), level);
  const mask = changeable(state, level, size);
  // 64-bit mode has SS and RSP in each of its frames.
  if (target.privilege > level || is64(state)) {
    const [pointer, ss] = peek(vcpu, stack, 2, size, 3 * size);
    returnOutward(vcpu, target, offset, selectorOf(ss), pointer);
  } else {
    claim(vcpu, target.segment, offset);
    goTo(state, target, offset);
    setStackPointer(state, above(stack, 3 * size), stack.width);
  }
  loadFlags(state, flags, mask);
}

/** The frame of an interrupt that came in virtual-8086 mode has all segments. SDM vol. 3B, 21.2.5. */
function enter8086(vcpu: Vcpu, offset: bigint, cs: bigint, flags: bigint): void {
  const { state } = vcpu;
  const [pointer, ss, es, ds, fs, gs] = peek(vcpu, currentStack(state, 0), 6, 4, 12);
  if (offset > 0xffffn) throw general(`the target 0x${offset.toString(16)} is out of reach`);
  const segments = [[CS, cs], [SS, ss], [ES, es], [DS, ds], [FS, fs], [GS, gs]] as const;
  for (const [index, word] of segments) plainSegment(state, index, selectorOf(word));
  loadFlags(state, flags, changeable(state, 0, 4));
  setVirtual(state, true);
  state.set64(CPL, 3n);
  state.set64(RSP, pointer);
  state.set64(STATE.pc, offset);
}

/** IRET as real mode has it, if I/O privilege allows; the privilege itself stays. */
function returnWithin8086(vcpu: Vcpu, size: number): void {
  const { state } = vcpu;
  if (ioPrivilegeOf(state) < 3) throw general("IRET in virtual-8086 mode needs an IOPL of 3");
  const stack = currentStack(state, 3), [offset, cs, flags] = peek(vcpu, stack, 3, size);
  if (offset > 0xffffn) throw general(`the target 0x${offset.toString(16)} is out of reach`);
  state.set64(segmentSelector(CS), cs & 0xffffn);
  state.set64(segmentBase(CS), (cs & 0xffffn) << 4n);
  state.set64(STATE.pc, offset);
  setStackPointer(state, above(stack, 3 * size), stack.width);
  loadFlags(state, flags, changeable(state, 3, size) & ~IOPL);
}

export const interruptReturnTraps: Readonly<Record<string, ArchTrap>> = {
  iret: guarded(interruptReturn),
};
