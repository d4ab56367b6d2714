/**
 * Exceptions and interrupts in the flat 32- and 64-bit modes: through the gates of the IDT, at privilege level 0. SDM
 * vol. 3A, chapter 6 ("Interrupt and Exception Handling"), and vol. 2A, INT n, for the order of the checks. Descriptor
 * tables are empty at reset: until the guest has loaded an IDT, every exception is a triple fault.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import { composeFlags, FLAG } from "../../x86/flag_bits.ts";
import {
  CS,
  EFLAGS_REST,
  IDT_BASE,
  IDT_LIMIT,
  RSP,
  segmentSelector,
  SS,
  TR,
  TR_BASE,
  TR_LIMIT,
} from "../../x86/slots.ts";
import type { ArchTrap } from "../traps.ts";
import type { Vcpu } from "../vcpu.ts";
import { codeSegment, markAccessed } from "./descriptors.ts";
import { EXCEPTION, exceptionName, Fault, Halt, lacking } from "./fault.ts";
import { isCanonical, type LinearWrite, modeOf, readLinear, writeLinear } from "./linear.ts";
import { raiseInRealMode } from "./real_mode.ts";

/** What the processor has to deliver. */
export interface Delivery {
  readonly vector: number;
  /** What it pushes where the vector has an error code; 0 if not given. */
  readonly code?: number;
  /**
   * `fault`: the instruction at hand is not done. `software`: INT n, INT3, INTO, and `trap`: INT1, which are done.
   * `external`: between two instructions.
   */
  readonly kind: "fault" | "software" | "trap" | "external";
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
const RF = 0x1_0000n, NT = 0x4000n;

/** Gates by type: the size of what they push, and whether they clear IF. SDM vol. 3A, figures 6-2 and 6-8, table 3-2. */
const GATES: Readonly<Record<number, { readonly size: number; readonly clears: bigint } | undefined>> = {
  6: { size: 2, clears: FLAG.IF },
  7: { size: 2, clears: 0n },
  14: { size: 4, clears: FLAG.IF },
  15: { size: 4, clears: 0n },
};
const TASK_GATE = 5;

/** A handler of system instructions whose faults are delivered to the guest. */
export function guarded(handler: ArchTrap): ArchTrap {
  return (vcpu, rule, backend) => {
    try {
      return handler(vcpu, rule, backend);
    } catch (error) {
      if (error instanceof Halt) return vcpu.stopAnew(error.stop);
      if (!(error instanceof Fault)) throw error;
      const { vector, code, why } = error;
      return deliver(vcpu, { vector, code, why, kind: "fault" });
    }
  };
}

/** Delivers it, and what goes wrong on the way: a further exception, a double fault, a shutdown. SDM vol. 3A, 6.15. */
export function deliver(vcpu: Vcpu, first: Delivery): Status {
  if (modeOf(vcpu) === 16) return raiseInRealMode(vcpu, first.vector, exceptionName(first.vector));
  const failures: string[] = [];
  for (let delivery = first;;) {
    try {
      const pc = enter(vcpu, delivery);
      if (delivery.kind === "fault") return vcpu.fault(pc);
      vcpu.state.set64(STATE.pc, pc);
      return STATUS.redirect;
    } catch (error) {
      if (error instanceof Halt) return vcpu.stopAnew(error.stop);
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

/** What is delivered when delivering `failed` raises `fault`. SDM vol. 3A, table 6-5. */
function next(failed: Delivery, { vector, code }: Fault): Delivery {
  const isException = failed.kind === "fault" || failed.kind === "trap";
  const doubles = isException &&
    (failed.vector === PAGE_FAULT
      ? vector === PAGE_FAULT || CONTRIBUTORY.has(vector)
      : CONTRIBUTORY.has(failed.vector) && CONTRIBUTORY.has(vector));
  return doubles ? { vector: EXCEPTION.DF, kind: "fault" } : { vector, code, kind: "fault" };
}

function describe({ vector, kind, why }: Delivery, failure: Fault): string {
  const what = kind === "fault" || kind === "trap"
    ? `exception ${vector} (${exceptionName(vector)}${why ? `: ${why}` : ""})`
    : `interrupt 0x${vector.toString(16)}`;
  return `${what} cannot be delivered: ${failure.why}`;
}

/** Triple fault: the processor shuts down. SDM vol. 3A, 6.15, "Interrupt 8". */
function shutDown(vcpu: Vcpu, failures: readonly string[]): Status {
  const native = vcpu.board.backend.reasons.find(({ reason }) => reason === "SHUTDOWN");
  vcpu.endExit();
  if (native) vcpu.kernelExit(native, 0);
  return vcpu.stopAnew({ reason: "SHUTDOWN", message: `triple fault: ${failures.join("; ")}` });
}

/** Pushes the frame and takes over CS, flags and stack; answers the handler's address. Throws before it has any effect. */
function enter(vcpu: Vcpu, delivery: Delivery): bigint {
  const { state } = vcpu, long = modeOf(vcpu) === 64;
  const ext = delivery.kind === "software" ? 0 : 1;
  const gate = readGate(vcpu, delivery.vector, ext);
  const segment = codeSegment(vcpu, gate.selector, "gate", ext);
  const reachable = long ? isCanonical(gate.offset) : gate.offset <= BigInt(segment.limit);
  if (!reachable) {
    throw new Fault(EXCEPTION.GP, ext, `its handler at 0x${gate.offset.toString(16)} is out of reach`);
  }
  const flags = composeFlags(state), pushed = flags | (isFault(delivery) ? RF : 0n);
  const back = delivery.kind === "software" || delivery.kind === "trap" ? vcpu.nextPc : vcpu.pc;
  const frame = [pushed, state.get64(segmentSelector(CS)) & 0xffffn, back];
  if (long) frame.unshift(state.get64(segmentSelector(SS)) & 0xffffn, state.get64(RSP));
  const isException = delivery.kind === "fault" || delivery.kind === "trap";
  if (isException && WITH_CODE.has(delivery.vector)) frame.push(BigInt(delivery.code ?? 0));
  // 64-bit mode switches to the gate's stack if it names one, and aligns in any case. SDM vol. 3A, 6.14.2 and 6.14.5.
  const top = long
    ? (gate.stack ? readStack(vcpu, gate.stack, ext) : state.get64(RSP)) & ~0xfn
    : state.get64(RSP);
  markAccessed(vcpu, segment);
  push(vcpu, top, frame, gate.size, ext);
  state.set64(segmentSelector(CS), BigInt(gate.selector & 0xfffc));
  state.set64(EFLAGS_REST, state.get64(EFLAGS_REST) & ~(FLAG.TF | NT | gate.clears));
  return gate.offset;
}

function isFault({ vector, kind }: Delivery): boolean {
  return kind === "fault" && !NO_FAULT.has(vector);
}

interface Gate {
  readonly selector: number;
  readonly offset: bigint;
  /** Bytes of each word that it pushes. */
  readonly size: number;
  readonly clears: bigint;
  /** Index into the interrupt stack table, or 0. */
  readonly stack: number;
}

/** SDM vol. 3A, 6.11 and 6.14.1; error codes: 6.13. */
function readGate(vcpu: Vcpu, vector: number, ext: number): Gate {
  const { state } = vcpu, long = modeOf(vcpu) === 64, length = long ? 16 : 8;
  const limit = state.get32(IDT_LIMIT), code = vector * 8 + 2 + ext;
  const bad = (why: string, exception: number = EXCEPTION.GP) =>
    new Fault(exception, code, `its gate ${why}`);
  if (vector * length + length - 1 > limit) throw bad(`lies beyond the IDT limit 0x${limit.toString(16)}`);
  const address = state.get64(IDT_BASE) + BigInt(vector * length);
  const low = readLinear(vcpu, address, 8);
  const field = (from: number, width: number) => Number(BigInt.asUintN(width, low >> BigInt(from)));
  // S is part of it: what is no system descriptor is no gate.
  const type = field(40, 5), gate = GATES[type];
  if (type === TASK_GATE && !long) throw lacking(vcpu, `a task gate for vector ${vector}`);
  if (!gate || (long && gate.size === 2)) throw bad(`is of type ${type}, which is no interrupt or trap gate`);
  if (!field(47, 1)) throw bad("is not present", EXCEPTION.NP);
  const half = BigInt(field(0, 16)), near = gate.size === 2 ? half : BigInt(field(48, 16)) << 16n | half;
  const offset = long ? BigInt.asUintN(32, readLinear(vcpu, address + 8n, 8)) << 32n | near : near;
  return {
    selector: field(16, 16),
    offset,
    size: long ? 8 : gate.size,
    clears: gate.clears,
    stack: long ? field(32, 3) : 0,
  };
}

/** Stack pointer `index`, 1 to 7, of the 64-bit task state segment. SDM vol. 3A, 6.14.5 and figure 7-11. */
function readStack(vcpu: Vcpu, index: number, ext: number): bigint {
  const { state } = vcpu, offset = 28 + 8 * index;
  if (offset + 7 > state.get32(TR_LIMIT)) {
    const selector = state.get32(TR) & 0xfffc;
    throw new Fault(EXCEPTION.TS, selector | ext, `the task state segment has no interrupt stack ${index}`);
  }
  return readLinear(vcpu, state.get64(TR_BASE) + BigInt(offset), 8);
}

/** Stores values below `top`, the first one highest, and moves the stack pointer below them. */
export function push(vcpu: Vcpu, top: bigint, values: readonly bigint[], size: number, ext = 0): void {
  const width = modeOf(vcpu) === 64 ? 64 : 32;
  const below = (n: number) => BigInt.asUintN(width, top - BigInt(n * size));
  const writes = values.map((value, i): LinearWrite => ({ address: below(i + 1), size, value }));
  writeLinear(vcpu, writes, () => new Fault(EXCEPTION.SS, ext, "the stack pointer is not canonical"));
  vcpu.state.set64(RSP, below(values.length));
}
