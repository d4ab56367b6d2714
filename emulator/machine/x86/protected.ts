/**
 * Exceptions and interrupts outside of real mode: through the gates of the IDT. SDM vol. 3A, chapter 6 ("Interrupt and
 * Exception Handling"), and vol. 2A, INT n, for the order of the checks; vol. 3B, 21.3 for virtual-8086 mode. Descriptor
 * tables are empty at reset: until the guest has loaded an IDT, every exception is a triple fault.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import type { StateView } from "../../isa/isa.ts";
import { FLAG } from "../../x86/flag_bits.ts";
import { CS, DS, EFLAGS_REST, ES, FS, GS, RSP, segmentSelector, SS } from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { claim, throughGate } from "./code_segment.ts";
import { badSelector, markAccessed } from "./descriptors.ts";
import { EXCEPTION, exceptionName, Fault, Halt } from "./fault.ts";
import { flagsImage, NT } from "./flags_image.ts";
import { type Gate, readGate } from "./gates.ts";
import { announce, isLong, isReal, isVirtual8086, privilegeOf, VM } from "./mode.ts";
import { raiseInRealMode } from "./real_mode.ts";
import { fillCode, fillSegment, nullSegment } from "./segment_register.ts";
import { currentStack, Frame, stackSelector, wideStack } from "./stack.ts";
import { interruptTask } from "./task_switch.ts";
import { type InnerStack, innerStack, interruptStack } from "./tss.ts";

/** What the processor has to deliver. */
export interface Delivery {
  readonly vector: number;
  /** What it pushes where the vector has an error code; 0 if not given. */
  readonly code?: number;
  /**
   * `fault`: the instruction at hand is not done. `software`: INT n, INT3, INTO, and `trap`: INT1, which are done.
   * Between two instructions: `step`, the #DB of EFLAGS.TF, and `external`.
   */
  readonly kind: "fault" | "software" | "trap" | "step" | "external";
  /** For people. */
  readonly why?: string;
}

/** SDM vol. 3A, table 6-1: vectors that push an error code. */
const WITH_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);
/** SDM vol. 3A, table 6-4: an exception of this kind while another of the kind is delivered is a double fault. */
const CONTRIBUTORY: ReadonlySet<number> = new Set([0, 10, 11, 12, 13]);
const PAGE_FAULT = 14;
/** Exceptions that are no faults: RF is not set in what they push. SDM vol. 3B, 17.3.1.1, and vol. 3A, table 6-1. */
const NO_FAULT: ReadonlySet<number> = new Set([1, 3, 4, 8]);
const RF = 0x1_0000n;

/** A handler of system instructions whose faults are delivered to the guest. */
export function guarded(handler: ArchTrap): ArchTrap {
  return (vcpu, rule, backend) => {
    try {
      return handler(vcpu, rule, backend);
    } catch (error) {
      if (error instanceof Halt) return vcpu.exits.stopAnew(error.stop);
      if (!(error instanceof Fault)) throw error;
      const { vector, code, why } = error;
      return deliver(vcpu, { vector, code, why, kind: "fault" });
    }
  };
}

/** Delivers it, and what goes wrong on the way: a further exception, a double fault, a shutdown. SDM vol. 3A, 6.15. */
export function deliver(vcpu: Vcpu, first: Delivery): Status {
  const { state } = vcpu;
  if (isReal(state)) return raiseInRealMode(vcpu, first.vector, exceptionName(first.vector));
  const failures: string[] = [], level = privilegeOf(state);
  for (let delivery = first;;) {
    try {
      const pc = enter(vcpu, delivery);
      announce(vcpu, level);
      if (delivery.kind === "fault") return vcpu.fault(pc);
      state.set64(STATE.pc, pc);
      return STATUS.redirect;
    } catch (error) {
      if (error instanceof Halt) return vcpu.exits.stopAnew(error.stop);
      if (!(error instanceof Fault)) throw error;
      failures.push(
        failures.length === 0
          ? describe(delivery, error)
          : `nor ${exceptionName(delivery.vector)}: ${error.why}`,
      );
      if (delivery.kind === "fault" && delivery.vector === EXCEPTION.DF) return shutDown(vcpu, failures);
      delivery = next(delivery, error);
    }
  }
}

const isException = ({ kind }: Delivery) => kind !== "software" && kind !== "external";

/** What is delivered when delivering `failed` raises `fault`. SDM vol. 3A, table 6-5. */
function next(failed: Delivery, { vector, code }: Fault): Delivery {
  const doubles = isException(failed) &&
    (failed.vector === PAGE_FAULT
      ? vector === PAGE_FAULT || CONTRIBUTORY.has(vector)
      : CONTRIBUTORY.has(failed.vector) && CONTRIBUTORY.has(vector));
  return doubles ? { vector: EXCEPTION.DF, kind: "fault" } : { vector, code, kind: "fault" };
}

function describe(delivery: Delivery, failure: Fault): string {
  const { vector, why } = delivery;
  const what = isException(delivery)
    ? `exception ${vector} (${exceptionName(vector)}${why ? `: ${why}` : ""})`
    : `interrupt 0x${vector.toString(16)}`;
  return `${what} cannot be delivered: ${failure.why}`;
}

/** Triple fault: the processor shuts down. SDM vol. 3A, 6.15, "Interrupt 8". */
function shutDown(vcpu: Vcpu, failures: readonly string[]): Status {
  const native = vcpu.board.backend.reasons.find(({ reason }) => reason === "SHUTDOWN");
  vcpu.exits.leaveInstruction();
  if (native) vcpu.exits.kernelExit(native, 0);
  return vcpu.exits.stopAnew({ reason: "SHUTDOWN", message: `triple fault: ${failures.join("; ")}` });
}

/** Where the handler returns to. */
function returnAddress(vcpu: Vcpu, { kind }: Delivery): bigint {
  return kind === "software" || kind === "trap" ? vcpu.nextPc : vcpu.pc;
}

/** Enters the handler but for the program counter, which it answers. Throws before it has any effect. */
function enter(vcpu: Vcpu, delivery: Delivery): bigint {
  const software = delivery.kind === "software", gate = readGate(vcpu, delivery.vector, software);
  const code = isException(delivery) && WITH_CODE.has(delivery.vector) ? delivery.code ?? 0 : undefined;
  const back = returnAddress(vcpu, delivery);
  if (gate.kind === "task") {
    interruptTask(vcpu, gate.selector, { back, code, ext: Number(!software) });
    return vcpu.pc;
  }
  enterProcedure(vcpu, delivery, gate, back, code);
  return gate.offset;
}

function enterProcedure(
  vcpu: Vcpu,
  delivery: Delivery,
  gate: Extract<Gate, { kind: "procedure" }>,
  back: bigint,
  code: number | undefined,
): void {
  const { state } = vcpu, ext = delivery.kind === "software" ? 0 : 1;
  const level = privilegeOf(state), virtual = isVirtual8086(state), long = isLong(state);
  const target = throughGate(vcpu, gate.selector, level, ext), inner = target.privilege < level;
  if (virtual && target.privilege !== 0) {
    throw badSelector(gate.selector, "names no code segment of level 0, which virtual-8086 mode needs", ext);
  }
  const change = stackFor(vcpu, gate.stack, inner ? target.privilege : undefined, ext);
  const flags = flagsImage(state), pushed = flags | (isFault(delivery) ? RF : 0n);
  const selector = (index: number) => state.get64(segmentSelector(index)) & 0xffffn;
  const words = [pushed, selector(CS), back];
  if (long || inner) words.unshift(stackSelector(state), state.get64(RSP));
  if (virtual) words.unshift(...[GS, FS, DS, ES].map(selector));
  if (code !== undefined) words.push(BigInt(code));
  const frame = new Frame(change.stack, words, gate.size);
  claim(vcpu, target.segment, gate.offset, ext);
  if (change.segment) markAccessed(vcpu, change.segment);
  frame.write(vcpu);
  // From here on nothing fails.
  if (virtual) { for (const index of [GS, FS, DS, ES]) nullSegment(state, index, 0); }
  if (change.segment) fillSegment(state, SS, change.segment, change.selector);
  else if (inner) nullSegment(state, SS, change.selector);
  fillCode(state, target.segment, target.privilege);
  frame.enter(state);
  clearFlags(state, gate.clears);
}

/** The stack of the handler: as it is, or the one for `inner`; in IA-32e mode always aligned. SDM vol. 3A, 6.12.1 and 6.14. */
function stackFor(vcpu: Vcpu, index: number, inner: number | undefined, ext: number): InnerStack {
  const { state } = vcpu, level = inner ?? privilegeOf(state);
  if (!isLong(state)) {
    return inner === undefined
      ? { stack: currentStack(state, level, ext), selector: 0 }
      : innerStack(vcpu, inner, ext);
  }
  const pointer = index
    ? interruptStack(vcpu, index, ext)
    : inner === undefined
    ? state.get64(RSP)
    : innerStack(vcpu, inner, ext).stack.pointer;
  return { stack: wideStack(pointer & ~0xfn, ext, level), selector: level };
}

function clearFlags(state: StateView, flags: bigint): void {
  state.set64(EFLAGS_REST, state.get64(EFLAGS_REST) & ~(FLAG.TF | NT | RF | VM | flags));
}

function isFault({ vector, kind }: Delivery): boolean {
  return kind === "fault" && !NO_FAULT.has(vector);
}
