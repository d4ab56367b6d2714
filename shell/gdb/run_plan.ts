/** Lets vCPUs go by a plan until something stops one of them. */
import { attentively } from "./pause.ts";
import type { RunOptions } from "../../emulator/machine/run.ts";
import type { Stop, VirtualCpu, Vm } from "../machine_types.ts";
import type { Action, Plan } from "./resume.ts";

/** Instructions that a vCPU may fall behind, or executes at a time where some stand still: the VM's own turn is as long. */
const TURN = 1000;
/** Single steps between two turns of the event loop, through which an interrupt comes. */
const STEPS = 256;

/** What all runs of a plan have in common; `by` is for those who want the guest meanwhile. */
type Sharing = Required<Pick<RunOptions, "signal" | "pause" | "by">>;

/** Everything that a plan is carried out on. */
export interface Going {
  readonly vm: Vm;
  readonly plan: Plan;
  /** Ends it: GDB's interrupt, or that it has gone. */
  readonly signal: AbortSignal;
  /** Whether a step has come to a place where it has to stop, within its range too. */
  readonly isBreak: (pc: bigint) => boolean;
}

/** Runs until the plan is fulfilled or something else stops it. */
export async function runPlan(going: Going): Promise<Stop> {
  const { vm, plan, signal } = going;
  const sharing: Sharing = { signal, pause: attentively(), by: "gdb" };
  const active = vm.vcpus.filter((vcpu) => plan.has(vcpu.index) && !vcpu.parked);
  const stepping = active.filter(({ index }) => plan.get(index)!.kind !== "continue");
  if (stepping.length > 0) return await stepThrough(going, sharing, stepping[0], active);
  const all = vm.vcpus.every((vcpu) => vcpu.parked || plan.has(vcpu.index));
  // A guest may start vCPUs that are parked now: they are part of all, and of nothing else.
  if (all) return await vm.run(sharing);
  if (active.length === 1) return await vm.run({ vcpu: active[0].index, ...sharing });
  return await takeTurns(vm, active, sharing);
}

/** One vCPU steps; those that are to go on keep up with its clock, so that it does not wait for them for ever. */
async function stepThrough(
  { vm, plan, isBreak }: Going,
  sharing: Sharing,
  vcpu: VirtualCpu,
  active: readonly VirtualCpu[],
): Promise<Stop> {
  const action = plan.get(vcpu.index)!, others = active.filter((other) => other !== vcpu);
  for (let steps = 1;; steps++) {
    const stop = await vm.run({ instructions: 1, vcpu: vcpu.index, ...sharing });
    if (stop.reason !== "BUDGET") return stop;
    for (const other of others) {
      const behind = await catchUp(vm, other, vcpu, sharing);
      if (behind) return behind;
    }
    const pc = vcpu.linearPc;
    if (!goesOn(action, pc) || isBreak(pc)) return stop;
    // Alone it may run on, which is faster: nothing but its own way out of the range is to be looked for.
    if (others.length === 0) {
      return await vm.run({
        ...sharing,
        vcpu: vcpu.index,
        before: ({ linearPc }) => !goesOn(action, linearPc),
      });
    }
    if (steps % STEPS === 0) await sharing.pause();
  }
}

function goesOn(action: Action, pc: bigint): boolean {
  return action.kind === "range" && pc >= action.from && pc < action.to;
}

/** The stop that it came to, if any but one that only tells that it has nothing to do. */
async function catchUp(
  vm: Vm,
  vcpu: VirtualCpu,
  leader: VirtualCpu,
  sharing: Sharing,
): Promise<Stop | undefined> {
  // One that sleeps until later has nothing to catch up with.
  const behind = leader.cycles - vm.inside.vcpus[vcpu.index].readyAt;
  if (behind <= 0) return undefined;
  const stop = await vm.run({ instructions: Math.min(behind, TURN), vcpu: vcpu.index, ...sharing });
  return stop.reason === "BUDGET" || stop.reason === "HLT" ? undefined : stop;
}

/** Some of several go on: one after the other, until none has anything to do. */
async function takeTurns(vm: Vm, active: readonly VirtualCpu[], sharing: Sharing): Promise<Stop> {
  for (;;) {
    let last: Stop | undefined, idle = true;
    for (const { index } of active) {
      last = await vm.run({ instructions: TURN, vcpu: index, ...sharing });
      if (last.reason !== "BUDGET" && last.reason !== "HLT") return last;
      if (last.reason === "BUDGET") idle = false;
    }
    if (idle && last) return last;
    if (!last) throw new Error("no vCPU to run: all that were asked for are parked");
    await sharing.pause();
  }
}
