/**
 * Far transfers and IRET in the flat 32- and 64-bit modes: to code of the same mode at privilege level 0. SDM vol. 2A and
 * 2B, JMP, CALL, RET, IRET. Other modes and privilege levels, gates and tasks are not there, and said so.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import { composeFlags, setFlags } from "../../x86/flag_bits.ts";
import { CS, RSP, segmentSelector, SS } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import {
  badSelector,
  codeSegment,
  type Descriptor,
  isNull,
  markAccessed,
  stackSegment,
  type Transfer,
} from "./descriptors.ts";
import { EXCEPTION, Fault, lacking } from "./fault.ts";
import { isCanonical, modeOf, readLinear } from "./linear.ts";
import { deliver, guarded, push } from "./protected.ts";

const NT = 0x4000n, VM = 0x2_0000n;
/** Opcode of INT1, which counts as a hardware exception where INT n with n = 1 does not. SDM vol. 2A, INT n. */
const INT1 = 0xf1;

interface Target {
  readonly segment: Descriptor;
  readonly offset: bigint;
}

/** Where a far transfer leads, checked. */
function target(vcpu: Vcpu, selector: number, offset: bigint, transfer: Transfer): Target {
  const segment = codeSegment(vcpu, selector, transfer);
  const reachable = modeOf(vcpu) === 64 ? isCanonical(offset) : offset <= BigInt(segment.limit);
  if (!reachable) {
    throw new Fault(EXCEPTION.GP, 0, `the far transfer's target 0x${offset.toString(16)} is out of reach`);
  }
  return { segment, offset };
}

function goTo(vcpu: Vcpu, { segment, offset }: Target): Status {
  markAccessed(vcpu, segment);
  vcpu.state.set64(segmentSelector(CS), BigInt(segment.selector & 0xfffc));
  vcpu.state.set64(STATE.pc, offset);
  return STATUS.redirect;
}

/** `count` words from the top of the stack, and the stack pointer above them. */
function pop(vcpu: Vcpu, count: number, size: number): { words: bigint[]; sp: bigint } {
  const width = modeOf(vcpu) === 64 ? 64 : 32, sp = vcpu.state.get64(RSP);
  const at = (n: number) => BigInt.asUintN(width, sp + BigInt(n * size));
  const fault = () => new Fault(EXCEPTION.SS, 0, "the stack pointer is not canonical");
  const words = Array.from({ length: count }, (_, n) => readLinear(vcpu, at(n), size, fault));
  return { words, sp: at(count) };
}

const selectorOf = (word: bigint) => Number(word & 0xffffn);

function farJump(vcpu: Vcpu): Status {
  return goTo(vcpu, target(vcpu, vcpu.argument(0), vcpu.argument64(1), "jump"));
}

function farCall(vcpu: Vcpu): Status {
  const size = vcpu.argument(2), { state } = vcpu;
  const to = target(vcpu, vcpu.argument(0), vcpu.argument64(1), "jump");
  push(vcpu, state.get64(RSP), [state.get64(segmentSelector(CS)) & 0xffffn, vcpu.nextPc], size);
  return goTo(vcpu, to);
}

function farReturn(vcpu: Vcpu): Status {
  const size = vcpu.argument(0), release = BigInt(vcpu.argument(1));
  const { words: [offset, selector], sp } = pop(vcpu, 2, size);
  const to = target(vcpu, selectorOf(selector), offset, "return");
  vcpu.state.set64(RSP, BigInt.asUintN(modeOf(vcpu) === 64 ? 64 : 32, sp + release));
  return goTo(vcpu, to);
}

/** IRET: with SS and RSP in 64-bit mode, always. SDM vol. 3A, 6.14.3. */
function interruptReturn(vcpu: Vcpu): Status {
  const { state } = vcpu, long = modeOf(vcpu) === 64, size = vcpu.argument(0);
  if (composeFlags(state) & NT) {
    if (!long) throw lacking(vcpu, "a return to another task (EFLAGS.NT is set)");
    throw new Fault(EXCEPTION.GP, 0, "EFLAGS.NT is set");
  }
  const { words: [offset, cs, flags, rsp, ss], sp } = pop(vcpu, long ? 5 : 3, size);
  if (!long && size === 4 && flags & VM) {
    throw lacking(vcpu, "virtual-8086 mode (EFLAGS.VM in the frame of IRET)");
  }
  const to = target(vcpu, selectorOf(cs), offset, "return");
  if (long) {
    const selector = selectorOf(ss);
    // Null is a stack segment like any other in 64-bit mode, at privilege levels below 3. SDM vol. 3A, 5.4.1.1.
    if (!isNull(selector)) markAccessed(vcpu, stackSegment(vcpu, selector));
    else if (selector !== 0) throw badSelector(selector, "asks for another privilege level than 0");
    state.set64(segmentSelector(SS), BigInt(selector));
  }
  state.set64(RSP, long ? rsp : sp);
  setFlags(state, size === 2 ? composeFlags(state) & ~0xffffn | flags : flags);
  return goTo(vcpu, to);
}

/** INT n, INT1, INT3, INTO. */
function interrupt(vcpu: Vcpu): Status {
  const vector = vcpu.argument(0);
  const kind = vector === 1 && vcpu.offender.bytes.at(-1) === INT1 ? "trap" : "software";
  return deliver(vcpu, { vector, kind });
}

export const farTraps: Readonly<Record<string, ArchTrap>> = {
  interrupt,
  iret: guarded(interruptReturn),
  far_jump: guarded(farJump),
  far_call: guarded(farCall),
  far_return: guarded(farReturn),
};
