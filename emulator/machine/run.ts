/** The run loop of one vCPU: engine slices, waits for asynchronous devices, and stops given their names. */
import { setImmediate } from "node:timers/promises";
import type { EngineStop } from "../engine/engine.ts";
import { STATUS } from "../engine/host.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type { Stop, StopDetail } from "./stop.ts";
import { unimplemented } from "./unimplemented.ts";
import type { Vcpu } from "./vcpu.ts";

/** Slices that an interrupt or a timer cuts short between two turns of the event loop. */
const SHORT_SLICES = 256;

const ASLEEP = "the guest halted, and no interrupt can wake it";

/** When a run ends, beside what the guest does. */
export interface RunOptions {
  /** Instructions to execute at most. */
  readonly instructions?: number;
  /** Stop before executing the instruction at this address. */
  readonly until?: bigint;
  /** Take no interrupts, whatever asks: they are taken by the next run. For code that is not the guest's own. */
  readonly holdInterrupts?: boolean;
  /** Ends the run soon after it is aborted, between two instructions or while a device is waited for. */
  readonly signal?: AbortSignal;
}

/** Runs until something stops the vCPU. */
export async function runVcpu(vcpu: Vcpu, breakpoints: Breakpoints, options: RunOptions): Promise<Stop> {
  const { instructions = Infinity, until, signal } = options;
  const { engine } = vcpu;
  if (instructions !== Infinity && (!Number.isSafeInteger(instructions) || instructions < 0)) {
    throw new RangeError(`cannot run ${instructions} instructions: give a whole number of at least 0`);
  }
  if (until !== undefined && !engine.stops.has(until)) {
    // It stays among the stops: the next run to it finds everything as it is.
    engine.stops.add(until);
    engine.stopsChanged();
  }
  const end = engine.instructions + instructions;
  let short = 0;
  for (let resume = true;;) {
    if (signal?.aborted) return stopped(vcpu, interrupted());
    if (vcpu.pending && !await settled(vcpu.pending, signal)) return stopped(vcpu, interrupted());
    // The device that was waited for has failed, maybe after an earlier run.
    const failed = vcpu.takeStop();
    if (failed) return stopped(vcpu, failed);
    const left = end - engine.instructions;
    if (left <= 0) {
      return stopped(vcpu, { reason: "BUDGET", message: `${instructions} instructions executed` });
    }
    if (vcpu.interrupts && !vcpu.halfway) {
      const before = vcpu.pc;
      const outcome = vcpu.interrupts.atBoundary();
      const undelivered = outcome === "stop" ? vcpu.takeStop() : undefined;
      if (undelivered) return stopped(vcpu, undelivered);
      if (outcome === "halted") return stopped(vcpu, { reason: "HLT", message: ASLEEP });
      // A stop at the handler is a stop: only what the last run stopped at is passed over.
      if (vcpu.pc !== before) resume = false;
    }
    // A device has asked for the end: only the instruction at hand is still completed.
    const wanted = vcpu.stopAfter;
    const full = Math.min(left, engine.yieldEvery);
    const stepping = vcpu.stepping;
    const limit = wanted || stepping || vcpu.halfway && vcpu.interrupts
      ? 1
      : Math.min(full, vcpu.interrupts?.limit ?? full);
    vcpu.beginSlice(limit);
    const stop: EngineStop = limit === 1 ? runOne(vcpu, resume) : engine.run(limit, resume);
    vcpu.endSlice();
    if (wanted && stop.kind === "budget") {
      vcpu.clearStopAfter();
      return stopped(vcpu, wanted);
    }
    if (stepping && engine.instructions > end - left) {
      const undelivered = vcpu.stepped() === STATUS.again ? vcpu.takeStop() : undefined;
      if (undelivered) return stopped(vcpu, undelivered);
    }
    const detail = nameStop(vcpu, stop, breakpoints, until);
    if (detail) return stopped(vcpu, detail);
    // A stop that is nobody's, or an instruction left half-way: on from here.
    resume = stop.kind === "stop" || stop.kind === "host";
    if (stop.kind === "stop") {
      // An earlier run's `until`, or a breakpoint that was taken away: it would come up each time.
      engine.stops.delete(vcpu.pc);
      engine.stopsChanged();
    } else if (engine.instructions < end) {
      // A signal comes from the event loop, which short slices need not each wait for.
      short = limit < full || stop.kind === "host" && vcpu.interrupts ? short + 1 : 0;
      if (short % SHORT_SLICES === 0) await setImmediate();
    }
  }
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

/** The stop for what the engine says, or undefined where the run goes on. */
function nameStop(
  vcpu: Vcpu,
  stop: EngineStop,
  breakpoints: Breakpoints,
  until: bigint | undefined,
): StopDetail | undefined {
  switch (stop.kind) {
    case "budget":
    case "yield":
      return undefined;
    case "host":
      return vcpu.takeStop();
    case "stop": {
      if (vcpu.pc === until) return { reason: "UNTIL", message: `reached 0x${vcpu.pc.toString(16)}` };
      const breakpoint = breakpoints.at(vcpu.pc);
      if (!breakpoint) return undefined;
      breakpoints.hit(breakpoint);
      const where = `breakpoint ${breakpoint.id} at 0x${vcpu.pc.toString(16)}`;
      return { reason: "DEBUG", breakpoint: breakpoint.id, message: where };
    }
    case "fetch": {
      const status = vcpu.fetchFailed(stop.address);
      if (status !== undefined) return status === STATUS.again ? vcpu.takeStop() : undefined;
      return {
        reason: "INTERNAL_ERROR",
        address: stop.address,
        message: `no memory to fetch an instruction from at 0x${stop.address.toString(16)}`,
      };
    }
    case "undecodable": {
      const { bytes, why } = stop;
      const status = why.invalid ? vcpu.invalidInstruction() : undefined;
      if (status !== undefined) return status === STATUS.again ? vcpu.takeStop() : undefined;
      return unimplemented({ bytes, pc: vcpu.pc, mode: vcpu.isa.name }, why.reason);
    }
  }
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
  return { ...detail, pc: vcpu.pc } as Stop;
}
