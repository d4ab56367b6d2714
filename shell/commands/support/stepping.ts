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
