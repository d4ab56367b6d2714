/** Far jumps, calls and returns where segments have descriptors. SDM vol. 2A and 2B, JMP, CALL, RET; vol. 3A, 5.8. */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import type { StateView } from "../../isa/isa.ts";
import { CS, RSP, segmentSelector, SS } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { type CallGate, readCallGate } from "./call_gate.ts";
import {
  claim,
  type CodeTarget,
  direct,
  notNull,
  returnStack,
  returnTarget,
  throughGate,
} from "./code_segment.ts";
import { absent, badSelector, type Descriptor, isCode, lookUp, markAccessed } from "./descriptors.ts";
import { guarded } from "./protected.ts";
import { announce, isLong, privilegeOf } from "./mode.ts";
import { dropInnerSegments, fillCode, fillSegment, nullSegment } from "./segment_register.ts";
import { above, currentStack, Frame, peek, setStackPointer, stackSelector, stackWidth } from "./stack.ts";
import { jumpToTask } from "./task_switch.ts";
import { innerStack } from "./tss.ts";

/** System types that a far jump or call may name. SDM vol. 3A, table 3-2. */
const CALL_GATES: ReadonlySet<number> = new Set([4, 12]), LONG_CALL_GATE = 12;
const TASK_GATE = 5, TASKS: ReadonlySet<number> = new Set([1, 3, 9, 11]);

/** On at the target. CS, and maybe SS, were not what they are now before. */
export function goTo(state: StateView, { segment, privilege }: CodeTarget, offset: bigint): void {
  fillCode(state, segment, privilege);
  state.set64(STATE.pc, offset);
}

/** Through a gate that is checked itself: it has to be open to the current level and to the selector's. */
function openGate(vcpu: Vcpu, found: Descriptor): Descriptor {
  const { selector, privilege, present } = found;
  if (privilege < privilegeOf(vcpu.state) || privilege < (selector & 3)) {
    throw badSelector(selector, `names a gate of privilege level ${privilege}`);
  }
  if (!present) throw absent(selector);
  return found;
}

type Way =
  | { readonly kind: "code"; readonly segment: Descriptor }
  | { readonly kind: "gate"; readonly gate: CallGate }
  | { readonly kind: "task"; readonly found: Descriptor };

/** What the selector of a far jump or call names. */
function wayOf(vcpu: Vcpu, selector: number): Way {
  const found = lookUp(vcpu, notNull(selector)), long = isLong(vcpu.state), { type } = found;
  if (isCode(found)) return { kind: "code", segment: found };
  if (found.system && CALL_GATES.has(type) && (!long || type === LONG_CALL_GATE)) {
    return { kind: "gate", gate: readCallGate(vcpu, openGate(vcpu, found)) };
  }
  if (found.system && !long && (type === TASK_GATE || TASKS.has(type))) {
    return { kind: "task", found: openGate(vcpu, found) };
  }
  throw badSelector(selector, "names no code segment");
}

function farJump(vcpu: Vcpu): Status {
  const { state } = vcpu, level = privilegeOf(state);
  const way = wayOf(vcpu, vcpu.argument(0));
  if (way.kind === "task") return jumpToTask(vcpu, way.found, "jump");
  const target = way.kind === "code"
    ? direct(vcpu, way.segment, level)
    : throughGate(vcpu, way.gate.selector, level, 0, true);
  const offset = way.kind === "code" ? vcpu.argument64(1) : way.gate.offset;
  claim(vcpu, target.segment, offset);
  goTo(state, target, offset);
  announce(vcpu, level);
  return STATUS.redirect;
}

function farCall(vcpu: Vcpu): Status {
  const { state } = vcpu, level = privilegeOf(state);
  const way = wayOf(vcpu, vcpu.argument(0));
  if (way.kind === "task") return jumpToTask(vcpu, way.found, "call");
  const target = way.kind === "code"
    ? direct(vcpu, way.segment, level)
    : throughGate(vcpu, way.gate.selector, level);
  const [offset, size] = way.kind === "code"
    ? [vcpu.argument64(1), vcpu.argument(2)]
    : [way.gate.offset, way.gate.size];
  const back = [state.get64(segmentSelector(CS)) & 0xffffn, vcpu.nextPc];
  if (target.privilege === level || way.kind === "code") {
    const frame = new Frame(currentStack(state, level), back, size);
    claim(vcpu, target.segment, offset);
    frame.write(vcpu);
    frame.enter(state);
  } else enterInner(vcpu, target, way.gate, back);
  goTo(state, target, offset);
  announce(vcpu, level);
  return STATUS.redirect;
}

/** A call to a more privileged level: a stack of that level, with the old one's address and the parameters. */
function enterInner(vcpu: Vcpu, target: CodeTarget, gate: CallGate, back: readonly bigint[]): void {
  const { state } = vcpu, level = privilegeOf(state);
  const { stack, selector, segment } = innerStack(vcpu, target.privilege, 0);
  const parameters = peek(vcpu, currentStack(state, level), gate.parameters, gate.size).reverse();
  const frame = new Frame(stack, [stackSelector(state), state.get64(RSP), ...parameters, ...back], gate.size);
  claim(vcpu, target.segment, gate.offset);
  if (segment) markAccessed(vcpu, segment);
  frame.write(vcpu);
  if (segment) fillSegment(state, SS, segment, selector);
  else nullSegment(state, SS, selector);
  frame.enter(state);
}

const selectorOf = (word: bigint) => Number(word & 0xffffn);

function farReturn(vcpu: Vcpu): Status {
  const size = vcpu.argument(0), release = vcpu.argument(1), { state } = vcpu;
  const level = privilegeOf(state), stack = currentStack(state, level);
  const [offset, selector] = peek(vcpu, stack, 2, size);
  const target = returnTarget(vcpu, selectorOf(selector), level), bytes = 2 * size + release;
  if (target.privilege === level) {
    claim(vcpu, target.segment, offset);
    goTo(state, target, offset);
    setStackPointer(state, above(stack, bytes), stack.width);
  } else {
    const [pointer, outer] = peek(vcpu, stack, 2, size, bytes);
    returnOutward(vcpu, target, offset, selectorOf(outer), pointer);
    const width = stackWidth(state);
    setStackPointer(state, above({ pointer: state.get64(RSP), width }, release), width);
  }
  announce(vcpu, level);
  return STATUS.redirect;
}

/** To the stack that lies on the one at hand; what the outer level must not reach is taken from the data segments. */
export function returnOutward(
  vcpu: Vcpu,
  target: CodeTarget,
  offset: bigint,
  selector: number,
  pointer: bigint,
): void {
  const { state } = vcpu, from = privilegeOf(state), segment = returnStack(vcpu, selector, target);
  claim(vcpu, target.segment, offset);
  if (segment) markAccessed(vcpu, segment);
  goTo(state, target, offset);
  if (segment) fillSegment(state, SS, segment);
  else nullSegment(state, SS, selector);
  setStackPointer(state, pointer, stackWidth(state));
  if (target.privilege > from) dropInnerSegments(state, target.privilege);
}

export const farTraps: Readonly<Record<string, ArchTrap>> = {
  far_jump: guarded(farJump),
  far_call: guarded(farCall),
  far_return: guarded(farReturn),
};
