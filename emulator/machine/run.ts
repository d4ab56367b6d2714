/** The run loop of a VM: turns, engine slices, waits for asynchronous devices, and stops given their names. */
import { setImmediate } from "node:timers/promises";
import type { EngineStop } from "../engine/engine.ts";
import { STATUS } from "../engine/host.ts";
import type { Breakpoints } from "./debug/breakpoints.ts";
import type { Stop, StopDetail } from "./stop.ts";
import { unimplemented } from "./unimplemented.ts";
import type { Turns } from "./turns.ts";
import { ASLEEP, type Vcpu } from "./vcpu.ts";
import type { VirtualCpu } from "./virtual_cpu.ts";

/** Slices that an interrupt, a timer, an exception or a vCPU's turn cuts short between two turns of the event loop. */
const SHORT_SLICES = 256;

/** When a run ends, beside what the guest does. */
export interface RunOptions {
  /** Instructions to execute at most, of all vCPUs together. */
  readonly instructions?: number;
  /** Stop before executing the instruction at this address. */
  readonly until?: bigint;
  /** Stop there only where this holds for the vCPU that has come there. */
  readonly untilIf?: (vcpu: VirtualCpu) => boolean;
  /**
   * Asked before each instruction of each vCPU, `pc` at it: true stops the run there (UNTIL). Makes a run slow, about a
   * million instructions a second.
   */
  readonly before?: (vcpu: VirtualCpu) => boolean;
  /** Take no interrupts, whatever asks: they are taken by the next run. For code that is not the guest's own. */
  readonly holdInterrupts?: boolean;
  /** Index of the only vCPU to run; all in turns if not given. */
  readonly vcpu?: number;
  /** Ends the run soon after it is aborted, between two instructions or while a device is waited for. */
  readonly signal?: AbortSignal;
  /** Awaited every few milliseconds, so that other things happen too: a turn of the event loop if not given. */
  readonly pause?: () => Promise<unknown>;
  /** Who lets it run, e.g. `"gdb"`: whoever asks for a run meanwhile is told. */
  readonly by?: string;
}

/** What a run works on. */
export interface Running {
  readonly vcpus: readonly Vcpu[];
  readonly turns: Turns;
  readonly breakpoints: Breakpoints;
  /** Told of each instruction that is about to be executed. */
  readonly observers: ReadonlySet<(vcpu: VirtualCpu) => void>;
}

/** Runs until something stops one of the vCPUs, which stops all. */
export async function runVcpus(running: Running, options: RunOptions): Promise<Stop> {
  const { vcpus, turns, breakpoints, observers } = running;
  const { instructions = Infinity, until, untilIf, before, signal, pause = setImmediate } = options;
  if (instructions !== Infinity && (!Number.isSafeInteger(instructions) || instructions < 0)) {
    throw new RangeError(`cannot run ${instructions} instructions: give a whole number of at least 0`);
  }
  const only = options.vcpu === undefined ? undefined : vcpus[options.vcpu];
  if (options.vcpu !== undefined && !only) {
    throw new RangeError(`no vCPU ${options.vcpu}: the VM has ${vcpus.length}, the first is 0`);
  }
  if (only?.parked) throw new Error(`vCPU ${only.index} is parked: start it first`);
  turns.begin(only);
  let vcpu = only ?? turns.acting, left = instructions, short = 0;
  stopAt(vcpu, until);
  for (let resume = true;;) {
    if (signal?.aborted) return stopped(vcpu, interrupted());
    const { pending } = turns;
    if (pending && !await settled(pending, signal)) return stopped(vcpu, interrupted());
    // The device that was waited for has failed, maybe after an earlier run.
    const failed = vcpu.exits.stops.take();
    if (failed) return stopped(vcpu, failed);
    const met = vcpu.halfway ? undefined : vcpu.debug.stop();
    if (met) return stopped(vcpu, met);
    if (left <= 0) {
      return stopped(vcpu, { reason: "BUDGET", message: `${instructions} instructions executed` });
    }
    const next = turns.next();
    if (!next) return stopped(vcpu, { reason: "HLT", message: ASLEEP });
    if (next !== vcpu) {
      vcpu = next;
      resume = vcpu.stoppedAt === vcpu.instructions;
      stopAt(vcpu, until);
      const earlier = vcpu.exits.stops.take();
      if (earlier) return stopped(vcpu, earlier);
    }
    const { engine } = vcpu;
    if (vcpu.interrupts && !vcpu.halfway) {
      const from = vcpu.pc;
      const outcome = vcpu.interrupts.atBoundary();
      const undelivered = outcome === "stop" ? vcpu.exits.stops.take() : undefined;
      if (undelivered) return stopped(vcpu, undelivered);
      const metThere = vcpu.debug.stop();
      if (metThere) return stopped(vcpu, metThere);
      // A stop at the handler is a stop: only what the last run stopped at is passed over.
      if (vcpu.pc !== from) {
        resume = false;
        vcpu.stoppedAt = -1;
      }
      if (outcome === "halted" || vcpu.sharesTime && vcpu.exits.exited && !vcpu.exits.stops.after) continue;
    }
    const watched = before !== undefined || observers.size > 0;
    // At a breakpoint that may stop the run the instruction is not executed yet.
    if (watched && !vcpu.halfway && (resume || !engine.stops.at(vcpu.pc, vcpu.codeBase))) {
      if (before?.(vcpu)) {
        return stopped(vcpu, { reason: "UNTIL", message: `reached 0x${vcpu.pc.toString(16)}` });
      }
      for (const observer of observers) observer(vcpu);
    }
    // A device has asked for the end: only the instruction at hand is still completed.
    const wanted = vcpu.exits.stops.after;
    const full = Math.min(left, engine.yieldEvery);
    const stepping = vcpu.stepping;
    const limit =
      wanted || watched || stepping || vcpu.debug.any || vcpu.halfway && (vcpu.interrupts || vcpu.sharesTime)
        ? 1
        : Math.min(full, turns.left, vcpu.interrupts?.limit ?? full);
    const begun = engine.instructions;
    vcpu.beginSlice(limit);
    const stop: EngineStop = limit === 1 ? runOne(vcpu, resume) : engine.run(limit, resume);
    vcpu.endSlice();
    left -= engine.instructions - begun;
    if (wanted && stop.kind === "budget") {
      vcpu.exits.stops.clearAfter();
      return stopped(vcpu, wanted);
    }
    if (stepping && engine.instructions > begun) {
      const undelivered = vcpu.stepped() === STATUS.again ? vcpu.exits.stops.take() : undefined;
      if (undelivered) return stopped(vcpu, undelivered);
    }
    const detail = nameStop(vcpu, stop, breakpoints, { until, untilIf });
    if (detail === "pass") {
      // Conditions are users' code, and Ctrl-C has to stay prompt.
      resume = true;
      vcpu.stoppedAt = vcpu.instructions;
      if (++short % SHORT_SLICES === 0) await pause();
      continue;
    }
    if (detail) {
      if (stop.kind === "stop") vcpu.stoppedAt = vcpu.instructions;
      return stopped(vcpu, detail);
    }
    // A stop that is nobody's, or an instruction left half-way: on from here.
    resume = stop.kind === "stop" || stop.kind === "host";
    if (stop.kind === "stop") {
      // An earlier run's `until`, or a breakpoint that was taken away: it would come up each time.
      engine.stops.pcs.delete(vcpu.pc);
      engine.stops.linear.delete(vcpu.linearPc);
      engine.stopsChanged();
    } else if (left > 0) {
      // A signal comes from the event loop, which short slices need not each wait for.
      const cut = stop.kind === "fetch" || stop.kind === "undecodable" ||
        stop.kind === "host" && vcpu.interrupts;
      short = limit < full || cut ? short + 1 : 0;
      if (short % SHORT_SLICES === 0) await pause();
    }
  }
}

/** It stays among the stops: the next run to it finds everything as it is. */
function stopAt({ engine }: Vcpu, until: bigint | undefined): void {
  if (until === undefined || engine.stops.pcs.has(until)) return;
  engine.stops.pcs.add(until);
  engine.stopsChanged();
}

/** One instruction, after which an interrupt may be taken. */
function runOne(vcpu: Vcpu, resume: boolean): EngineStop {
  const { engine, interrupts } = vcpu;
  if (!interrupts?.polled) return engine.run(1, resume);
  const before = engine.instructions, address = vcpu.codeAddress(), { enabled } = interrupts;
  const stop = engine.run(1, resume);
  if (engine.instructions > before) interrupts.executed(address, enabled);
  return stop;
}

/** The stop for what the engine says, `pass` at a breakpoint that does not stop it, or undefined where the run goes on. */
function nameStop(
  vcpu: Vcpu,
  stop: EngineStop,
  breakpoints: Breakpoints,
  { until, untilIf }: Pick<RunOptions, "until" | "untilIf">,
): StopDetail | "pass" | undefined {
  switch (stop.kind) {
    case "budget":
    case "yield":
      return undefined;
    case "host":
      return vcpu.exits.stops.take();
    case "stop": {
      const met = atBreakpoint(vcpu, breakpoints);
      if (vcpu.pc !== until || typeof met === "object") return met;
      if (untilIf?.(vcpu) === false) return "pass";
      return { reason: "UNTIL", message: `reached 0x${vcpu.pc.toString(16)}` };
    }
    case "fetch": {
      const status = vcpu.fetchFailed(stop.address);
      if (status !== undefined) return status === STATUS.again ? vcpu.exits.stops.take() : undefined;
      return {
        reason: "INTERNAL_ERROR",
        address: stop.address,
        message: `no memory to fetch an instruction from at 0x${stop.address.toString(16)}`,
      };
    }
    case "undecodable": {
      const { bytes, why } = stop;
      const status = why.invalid ? vcpu.invalidInstruction() : undefined;
      if (status !== undefined) return status === STATUS.again ? vcpu.exits.stops.take() : undefined;
      return unimplemented({ bytes, pc: vcpu.pc, mode: vcpu.isa.name }, why.reason);
    }
  }
}

/** All breakpoints at the program counter are met; the first one that stops is told. */
function atBreakpoint(vcpu: Vcpu, breakpoints: Breakpoints): StopDetail | "pass" | undefined {
  const { pc, linearPc } = vcpu;
  const there = breakpoints.active.filter(({ address, linear }) => address === (linear ? linearPc : pc));
  if (there.length === 0) return undefined;
  let stop: StopDetail | undefined;
  for (const { id } of there) {
    const meeting = breakpoints.meet(id, vcpu);
    if (meeting.do === "pass" || stop) continue;
    const message = `breakpoint ${id} at 0x${pc.toString(16)}` +
      (meeting.problem === undefined ? "" : `; ${meeting.problem}`);
    stop = { reason: "DEBUG", breakpoint: id, message };
  }
  return stop ?? "pass";
}

/** Waits for a device; false if the signal came first (the device is still waited for by the next run). */
async function settled(pending: Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
  if (!signal) {
    await pending;
    return true;
  }
  let abort = () => {};
  const aborted = new Promise<false>((resolve) => {
    abort = () => resolve(false);
    signal.addEventListener("abort", abort);
  });
  const result = await Promise.race([pending.then(() => true), aborted]);
  signal.removeEventListener("abort", abort);
  return result;
}

function interrupted(): StopDetail {
  return { reason: "INTERRUPTED", message: "interrupted" };
}

function stopped(vcpu: Vcpu, detail: StopDetail): Stop {
  return { ...detail, pc: vcpu.pc, vcpu: vcpu.index } as Stop;
}
