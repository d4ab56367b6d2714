/** `next` and `finish`: stepping over what is called, and out of what was called. */
import type { Stop, VirtualCpu } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { type Flow, flowAt, stackPointer } from "./flow.ts";

/** How much may be executed; no limit if not given. */
export interface Limits {
  readonly instructions?: number;
  readonly signal: AbortSignal;
}

/**
 * One instruction of the selected vCPU; a call is run until it has come back, a repeated string instruction until it is
 * through. Another stop on the way (a breakpoint, an exit that ends the run) is that stop.
 */
export async function stepOver(session: Session, limits: Limits): Promise<Stop> {
  const { vm, vcpu } = session, flow = flowAt(vm, vcpu);
  if (flow?.kind !== "call" && flow?.kind !== "repeat") {
    const stop = await vm.run({ instructions: 1, signal: limits.signal, vcpu: vcpu.index });
    return stop.reason === "BUDGET" ? { ...stop, reason: "DEBUG", message: "stepped 1 instruction" } : stop;
  }
  const stop = await runPast(session, vcpu, flow.next, limits);
  if (stop.reason !== "UNTIL") return stop;
  const what = flow.kind === "call" ? "a call" : "a repeated instruction";
  return { ...stop, reason: "DEBUG", message: `stepped over ${what}` };
}

/** Several of these, all within the limits. */
export async function stepOverMany(session: Session, count: number, limits: Limits): Promise<Stop> {
  const begun = instructionsOf(session);
  let stop = await stepOver(session, limits);
  for (let i = 1; i < count && isStep(stop); i++) {
    stop = await stepOver(session, leftOf(session, limits, begun));
  }
  return count > 1 && isStep(stop) ? { ...stop, message: `stepped ${count} instructions, over calls` } : stop;
}

/**
 * To the first instruction of another source line. Over what is called, or into it where its lines are known. Throws
 * `ReferenceError` where no line is known now.
 */
export async function stepLines(
  session: Session,
  count: number,
  limits: Limits,
  over: boolean,
): Promise<Stop> {
  const { vm, vcpu } = session, begun = instructionsOf(session);
  let stop: Stop | undefined;
  for (let i = 0; i < count; i++) {
    const from = vm.lines.at(vcpu.fetchAddress());
    if (!from) {
      throw new ReferenceError("no source line is known here: step by instructions, or finish");
    }
    for (;;) {
      const left = leftOf(session, limits, begun), calls = flowAt(vm, vcpu)?.kind === "call";
      stop = over || !calls ? await stepOver(session, left) : await stepInto(session, left);
      if (!isStep(stop)) return stop;
      const row = vm.lines.at(vcpu.fetchAddress());
      const starts = row?.isStatement && row.address === vcpu.fetchAddress();
      if (row && starts && (row.line !== from.line || row.file !== from.file)) break;
    }
  }
  return { ...stop!, message: `stepped ${count} line${count === 1 ? "" : "s"}` };
}

/** A call is followed where the lines of what it calls are known, and stepped over elsewhere. */
async function stepInto(session: Session, limits: Limits): Promise<Stop> {
  const { vm, vcpu } = session;
  const stop = await vm.run({ instructions: 1, signal: limits.signal, vcpu: vcpu.index });
  if (stop.reason !== "BUDGET") return stop;
  if (vm.lines.at(vcpu.fetchAddress())) {
    return { ...stop, reason: "DEBUG", message: "stepped 1 instruction" };
  }
  return await finishFunction(session, limits);
}

/** Whether a stop is that of a step and nothing else's. */
export function isStep(stop: Stop): boolean {
  return stop.reason === "DEBUG" && stop.breakpoint === undefined && stop.watchpoint === undefined &&
    stop.catchpoint === undefined;
}

/** Runs all vCPUs until this one is at `next` with its stack as high as it is now: what it calls may call itself. */
function runPast({ vm }: Session, vcpu: VirtualCpu, next: bigint, limits: Limits): Promise<Stop> {
  const stack = stackPointer(vcpu);
  return vm.run({ ...limits, until: next, untilIf: (one) => one === vcpu && stackPointer(one) >= stack });
}

/**
 * Runs until the function that the selected vCPU is in has returned. Its own instructions are looked at one by one (about
 * a million a second), what it calls runs at full speed; jumps to other functions (tail calls) are followed.
 */
export async function finishFunction(session: Session, limits: Limits): Promise<Stop> {
  const { vm, vcpu } = session, stack = stackPointer(vcpu), begun = instructionsOf(session);
  const isPpc = vm.arch === "ppc";
  // By the address of the instruction: loops come by again and again.
  const flows = new Map<bigint, Flow | undefined>();
  const flowOf = (one: VirtualCpu): Flow | undefined => {
    const at = one.fetchAddress();
    if (!flows.has(at)) flows.set(at, flowAt(vm, one));
    return flows.get(at);
  };
  /** Where an instruction that returns went on from; undefined if the last one was none. */
  let returning: bigint | undefined;
  for (;;) {
    let found: "returned" | "call" | undefined, next = 0n;
    const before = (one: VirtualCpu): boolean => {
      if (one !== vcpu) return false;
      // A return that was not taken goes on behind itself; one that pops what was just pushed is a jump.
      const left = returning !== undefined && (isPpc ? one.pc !== returning : stackPointer(one) > stack);
      returning = undefined;
      if (left) {
        found = "returned";
        return true;
      }
      const flow = flowOf(one);
      if (flow?.kind === "call") {
        found = "call";
        next = flow.next;
        return true;
      }
      if (flow?.kind === "return") returning = flow.next;
      return false;
    };
    const left = leftOf(session, limits, begun);
    const stop = await vm.run({ ...left, before });
    if (stop.reason !== "UNTIL") return stop;
    if (found === "returned") return { ...stop, reason: "DEBUG", message: "the function has returned" };
    const past = await runPast(session, vcpu, next, leftOf(session, limits, begun));
    if (past.reason !== "UNTIL") return past;
  }
}

function instructionsOf({ vm }: Session): number {
  return vm.vcpus.reduce((sum, one) => sum + one.instructions, 0);
}

function leftOf(session: Session, { instructions, signal }: Limits, begun: number): Limits {
  if (instructions === undefined) return { signal };
  return { instructions: Math.max(0, instructions - (instructionsOf(session) - begun)), signal };
}
