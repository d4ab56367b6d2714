/**
 * Hardware task switches: far jumps, calls and interrupts to a task state segment, and the way back. SDM vol. 3A, 8.3:
 * what fails before the new task is loaded fails in the old one, what fails after it in the new one.
 */
import { STATUS, type Status } from "../../engine/host.ts";
import { STATE } from "../../ir/layout.ts";
import {
  CPL,
  CR,
  CS,
  DR,
  GDT_BASE,
  gpr,
  LDTR,
  LDTR_BASE,
  LDTR_LIMIT,
  SEGMENT_NAMES,
  segmentSelector,
  SS,
  TR,
  TR_BASE,
  TR_LIMIT,
  TR_RIGHTS,
} from "../../x86/slots.ts";
import type { Vcpu } from "../vcpu.ts";
import {
  absent,
  badSelector,
  type Descriptor,
  isCode,
  isConforming,
  isNull,
  isReadable,
  isWritable,
  lookUp,
  markAccessed,
  rightsOf,
} from "./descriptors.ts";
import { EXCEPTION, Fault } from "./fault.ts";
import { flagsImage, loadFlags, NT, setVirtual } from "./flags_image.ts";
import { type LinearWrite, readLinear, setBits, writeLinear } from "./linear.ts";
import { announce, privilegeOf, VM } from "./mode.ts";
import { fillCode, fillSegment, nullSegment, plainSegment } from "./segment_register.ts";
import { currentStack, Frame } from "./stack.ts";
import { NARROW_TASK, type TaskLayout, WIDE_TASK } from "./task_layout.ts";

type Reason = "jump" | "call" | "interrupt" | "return";

const TASK_GATE = 5, WIDE = 8, BUSY = 2;
const TASKS: ReadonlySet<number> = new Set([1, 9]), BUSY_TASKS: ReadonlySet<number> = new Set([3, 11]);
const LDT = 2;
const TS = 8n, PG = 0x8000_0000n;
/** DR6.BT: a task switch. SDM vol. 3B, 17.2.3. */
const BT = 0x8000n;

const layoutOf = (type: number): TaskLayout => type & WIDE ? WIDE_TASK : NARROW_TASK;

/** A far jump or call whose selector names a task gate or a TSS that is open to it. */
export function jumpToTask(vcpu: Vcpu, found: Descriptor, reason: "jump" | "call"): Status {
  const gate = found.type === TASK_GATE;
  const task = available(vcpu, gate ? Number(found.bits >> 16n & 0xffffn) : found.selector, 0);
  switchTo(vcpu, task, { reason, back: vcpu.nextPc, ext: 0 });
  return STATUS.redirect;
}

/** IRET with EFLAGS.NT: back to the task that the current one names. */
export function returnToTask(vcpu: Vcpu): Status {
  const selector = Number(readLinear(vcpu, vcpu.state.get64(TR_BASE), 2));
  switchTo(vcpu, taskOf(vcpu, selector, 0, EXCEPTION.TS, BUSY_TASKS), {
    reason: "return",
    back: vcpu.nextPc,
    ext: 0,
  });
  return STATUS.redirect;
}

/** Through a task gate of the IDT. The error code lies on the new task's stack. */
export function interruptTask(
  vcpu: Vcpu,
  selector: number,
  { back, code, ext }: { back: bigint; code: number | undefined; ext: number },
): void {
  const task = available(vcpu, selector, ext);
  switchTo(vcpu, task, { reason: "interrupt", back, ext });
  if (code === undefined) return;
  const stack = currentStack(vcpu.state, privilegeOf(vcpu.state), ext);
  const frame = new Frame(stack, [BigInt(code)], layoutOf(task.type).size);
  frame.write(vcpu);
  frame.enter(vcpu.state);
}

function available(vcpu: Vcpu, selector: number, ext: number): Descriptor {
  return taskOf(vcpu, selector, ext, EXCEPTION.GP, TASKS);
}

function taskOf(
  vcpu: Vcpu,
  selector: number,
  ext: number,
  vector: number,
  types: ReadonlySet<number>,
): Descriptor {
  if (selector & 4) throw badSelector(selector, "is not one of the GDT's", ext, vector);
  if (isNull(selector)) throw badSelector(selector, "is null", ext, vector);
  const found = lookUp(vcpu, selector, ext, vector);
  if (!found.system || !types.has(found.type)) {
    throw badSelector(selector, "names no task state segment that is free", ext, vector);
  }
  if (!found.present) throw absent(selector, ext);
  if (found.limit < layoutOf(found.type).limit) {
    throw badSelector(selector, "names a task state segment that is too short", ext, EXCEPTION.TS);
  }
  return found;
}

interface Switch {
  readonly reason: Reason;
  /** Where the old task goes on. */
  readonly back: bigint;
  readonly ext: number;
}

function switchTo(vcpu: Vcpu, task: Descriptor, { reason, back, ext }: Switch): void {
  const { state } = vcpu, level = privilegeOf(state), layout = layoutOf(task.type);
  const nested = reason === "call" || reason === "interrupt";
  const image = readImage(vcpu, task.base, layout);
  const old = state.get32(TR) & 0xffff;
  const link: LinearWrite = { address: task.base, size: 2, value: BigInt(old) };
  writeLinear(vcpu, [...savedTask(vcpu, back, reason, ext), ...(nested ? [link] : [])]);
  if (!nested) clearBusy(vcpu, state.get64(GDT_BASE) + BigInt(old & 0xfff8));
  if (reason !== "return") setBits(vcpu, task.address + 5n, BigInt(BUSY));
  // From here on it is the new task that faults.
  try {
    state.set64(TR, BigInt(task.selector));
    state.set64(TR_BASE, task.base);
    state.setNumber(TR_LIMIT, task.limit);
    state.set64(TR_RIGHTS, rightsOf(task) | BigInt(BUSY));
    state.set64(CR, state.get64(CR) | TS);
    loadTask(vcpu, image, nested, ext);
  } finally {
    announce(vcpu, level);
  }
}

interface TaskImage {
  readonly cr3?: bigint;
  readonly ip: bigint;
  readonly flags: bigint;
  readonly registers: readonly bigint[];
  readonly segments: readonly number[];
  readonly ldt: number;
  readonly debug: boolean;
}

function readImage(vcpu: Vcpu, base: bigint, layout: TaskLayout): TaskImage {
  const read = (at: number, size: number) => readLinear(vcpu, base + BigInt(at), size);
  const selector = (at: number) => Number(read(at, 2));
  // What a 16-bit task does not have of a register is all ones, as in a 386 (test386.asm, POST 22).
  const upper = layout.size === 2 ? 0xffff_0000n : 0n;
  return {
    cr3: layout.cr3 === undefined ? undefined : read(layout.cr3, 4),
    ip: read(layout.ip, layout.size),
    flags: read(layout.flags, layout.size),
    registers: Array.from(
      { length: 8 },
      (_, n) => read(layout.registers + n * layout.size, layout.size) | upper,
    ),
    segments: SEGMENT_NAMES.map((_, index) => {
      const at = layout.segments.at(index);
      return at === undefined ? 0 : selector(at);
    }),
    ldt: selector(layout.ldt),
    debug: layout.debug !== undefined && (selector(layout.debug) & 1) !== 0,
  };
}

/** The old task's registers, to where its TSS keeps them. */
function savedTask(vcpu: Vcpu, back: bigint, reason: Reason, ext: number): LinearWrite[] {
  const { state } = vcpu, base = state.get64(TR_BASE), layout = layoutOf(state.get32(TR_RIGHTS));
  const { size } = layout;
  if (state.get32(TR_LIMIT) < layout.limit) {
    throw badSelector(state.get32(TR), "is the old task's, whose segment is too short", ext, EXCEPTION.TS);
  }
  const at = (offset: number, bytes: number, value: bigint): LinearWrite => ({
    address: base + BigInt(offset),
    size: bytes,
    value,
  });
  return [
    at(layout.ip, size, back),
    at(layout.flags, size, flagsImage(state) & ~(reason === "return" ? NT : 0n)),
    ...Array.from({ length: 8 }, (_, n) => at(layout.registers + n * size, size, state.get64(gpr(n)))),
    ...layout.segments.map((offset, index) => at(offset, 2, state.get64(segmentSelector(index)))),
  ];
}

function clearBusy(vcpu: Vcpu, address: bigint): void {
  const at = address + 5n, value = readLinear(vcpu, at, 1);
  writeLinear(vcpu, [{ address: at, size: 1, value: value & ~BigInt(BUSY) }]);
}

function loadTask(vcpu: Vcpu, image: TaskImage, nested: boolean, ext: number): void {
  const { state } = vcpu, virtual = (image.flags & VM) !== 0n;
  if (image.cr3 !== undefined && state.get64(CR) & PG) {
    state.set64(CR + 8 * 3, image.cr3);
    vcpu.translationChanged();
  }
  image.registers.forEach((value, n) => state.set64(gpr(n), value));
  loadFlags(state, image.flags | (nested ? NT : 0n), -1n);
  setVirtual(state, virtual);
  state.set64(STATE.pc, image.ip);
  image.segments.forEach((selector, index) => {
    if (virtual) plainSegment(state, index, selector);
    else nullSegment(state, index, selector);
  });
  state.set64(CPL, virtual ? 3n : BigInt(image.segments[CS] & 3));
  loadTables(vcpu, image.ldt, ext);
  if (!virtual) loadSegments(vcpu, image.segments, ext);
  const limit = virtual ? 0xffff : lookUp(vcpu, image.segments[CS]).limit;
  if (image.ip > BigInt(limit)) throw outOfReach(image.ip, ext);
  if (!image.debug) return;
  state.set64(DR + 8 * 6, state.get64(DR + 8 * 6) | BT);
  throw new Fault(EXCEPTION.DB, 0, "the task state segment's T bit is set");
}

const outOfReach = (ip: bigint, ext: number) =>
  new Fault(EXCEPTION.GP, ext, `the task's next instruction 0x${ip.toString(16)} is out of reach`);

const bad = (selector: number, why: string, ext: number) => badSelector(selector, why, ext, EXCEPTION.TS);

function loadTables(vcpu: Vcpu, selector: number, ext: number): void {
  const { state } = vcpu;
  state.set64(LDTR, BigInt(selector));
  state.set64(LDTR_BASE, 0n);
  state.set64(LDTR_LIMIT, 0n);
  if (selector & 4) throw bad(selector, "is not one of the GDT's", ext);
  if (isNull(selector)) return;
  const found = lookUp(vcpu, selector, ext, EXCEPTION.TS);
  if (!found.system || found.type !== LDT || !found.present) throw bad(selector, "names no LDT", ext);
  state.set64(LDTR_BASE, found.base);
  state.setNumber(LDTR_LIMIT, found.limit);
}

/** SDM vol. 3A, table 8-1. */
function loadSegments(vcpu: Vcpu, selectors: readonly number[], ext: number): void {
  const { state } = vcpu, level = privilegeOf(state);
  const code = named(vcpu, selectors[CS], ext);
  const fits = isConforming(code) ? code.privilege <= level : code.privilege === level;
  if (!isCode(code) || !fits) throw bad(selectors[CS], "names no code segment of its level", ext);
  if (!code.present) throw absent(selectors[CS], ext);
  markAccessed(vcpu, code);
  fillCode(state, code, level);
  const stack = named(vcpu, selectors[SS], ext);
  if (!isWritable(stack) || stack.privilege !== level || (selectors[SS] & 3) !== level) {
    throw bad(selectors[SS], `names no stack segment of level ${level}`, ext);
  }
  if (!stack.present) throw absent(selectors[SS], ext, EXCEPTION.SS);
  markAccessed(vcpu, stack);
  fillSegment(state, SS, stack);
  selectors.forEach((selector, index) => {
    if (index === CS || index === SS || isNull(selector)) return;
    const data = named(vcpu, selector, ext);
    const open = isConforming(data) || Math.max(level, selector & 3) <= data.privilege;
    if (!isReadable(data) || !open) throw bad(selector, "names no segment that the task can read", ext);
    if (!data.present) throw absent(selector, ext);
    markAccessed(vcpu, data);
    fillSegment(state, index, data);
  });
}

function named(vcpu: Vcpu, selector: number, ext: number): Descriptor {
  if (isNull(selector)) throw bad(selector, "is null", ext);
  return lookUp(vcpu, selector, ext, EXCEPTION.TS);
}
