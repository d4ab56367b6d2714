/** The run loop of one vCPU: engine slices, waits for asynchronous devices, and stops given their names. */
import { setImmediate } from "node:timers/promises";
import type { EngineStop } from "../engine/engine.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type { Stop, StopDetail } from "./stop.ts";
import { unimplemented } from "./unimplemented.ts";
import type { Vcpu } from "./vcpu.ts";

/** When a run ends, beside what the guest does. */
export interface RunOptions {
  /** Instructions to execute at most. */
  readonly instructions?: number;
  /** Stop before executing the instruction at this address. */
  readonly until?: bigint;
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
    // A device has asked for the end: only the instruction at hand is still completed.
    const wanted = vcpu.stopAfter;
    vcpu.beginSlice();
    const stop = engine.run(wanted ? 1 : Math.min(left, engine.yieldEvery), resume);
    if (wanted && stop.kind === "budget") {
      vcpu.clearStopAfter();
      return stopped(vcpu, wanted);
    }
    const detail = nameStop(vcpu, stop, breakpoints, until);
    if (detail) return stopped(vcpu, detail);
    // A stop that is nobody's, or an instruction left half-way: on from here.
    resume = stop.kind === "stop" || stop.kind === "host";
    if (stop.kind === "stop") {
      // An earlier run's `until`, or a breakpoint that was taken away: it would come up each time.
      engine.stops.delete(vcpu.pc);
      engine.stopsChanged();
    } else if (engine.instructions < end) await setImmediate(); // A signal comes from the event loop.
  }
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
    case "fetch":
      return {
        reason: "INTERNAL_ERROR",
        address: stop.address,
        message: `no memory to fetch an instruction from at 0x${stop.address.toString(16)}`,
      };
    case "undecodable": {
      const { bytes, why } = stop;
      return unimplemented({ bytes, pc: vcpu.pc, mode: vcpu.board.isa.name }, why.reason);
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
