/**
 * Going back: the machine is saved before each run, and goes forward again from there to where it is wanted. It is
 * deterministic, so that it comes by the same states.
 */
import { restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import type { Stop, Vm } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { mute, unmute } from "../../sinks.ts";
import { takePoints } from "../../take_points.ts";
import { keepState, stateOf } from "./state.ts";

/** Snapshots that are kept, and their bytes: with more, the oldest go. */
const MOST_SEGMENTS = 200, MOST_BYTES = 2 ** 28;

/** A run from a snapshot on. */
interface Segment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Instructions when it began, and when it ended. */
  readonly from: number;
  to: number;
}

interface Recording {
  vm: Vm;
  segments: Segment[];
}

/** A recording as `record` tells of it. */
export interface RecordData {
  readonly on: boolean;
  /** Runs that one can go back into. */
  readonly runs: number;
  /** Instructions from the first that one can go back to, up to now. */
  readonly instructions: number;
  /** Bytes of all snapshots. */
  readonly bytes: number;
}

const recordings = new WeakMap<Session, Recording>();

/** The recording of the session's present machine. */
function recordingOf(session: Session): Recording | undefined {
  const recording = recordings.get(session);
  return recording && session.hasVm && recording.vm === session.vm ? recording : undefined;
}

/** Begins to record. Throws `Error` for a machine with several vCPUs, and what `saveVm` throws. */
export function startRecording(session: Session): void {
  const { vm } = session;
  if (vm.vcpus.length > 1) {
    throw new Error(
      "only machines with one vCPU can go back: steps of one alone are not in the order of turns",
    );
  }
  saveVm(vm);
  recordings.set(session, { vm, segments: [] });
  stateOf(session).records = true;
}
export function stopRecording(session: Session): void {
  recordings.delete(session);
  stateOf(session).records = false;
}
export function recordData(session: Session): RecordData {
  const recording = recordingOf(session), segments = recording?.segments ?? [];
  return {
    on: recording !== undefined,
    runs: segments.length,
    instructions: segments.length === 0 ? 0 : session.vcpu.instructions - segments[0].from,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

/** Around a run of the session's machine. A machine that cannot be saved now (it waits for a device) is recorded no further. */
export async function recorded<T>(session: Session, run: () => Promise<T>): Promise<T> {
  const recording = recordingOf(session);
  if (!recording) return await run();
  const { vm, segments } = recording, from = vm.vcpu.instructions;
  try {
    segments.push({ bytes: saveVm(vm), from, to: from });
  } catch (error) {
    stopRecording(session);
    session.out.write(`record: off: ${error instanceof Error ? error.message : String(error)}\n`);
    return await run();
  }
  let bytes = segments.reduce((sum, one) => sum + one.bytes.length, 0);
  while (segments.length > 1 && (segments.length > MOST_SEGMENTS || bytes > MOST_BYTES)) {
    bytes -= segments.shift()!.bytes.length;
  }
  try {
    return await run();
  } finally {
    segments.at(-1)!.to = vm.vcpu.instructions;
  }
}

function needed(session: Session): Recording {
  const recording = recordingOf(session);
  if (!recording) throw new Error('nothing is recorded: "record on", then run; from then on one can go back');
  if (recording.segments.length === 0) throw new Error("nothing has run since recording began");
  return recording;
}

/** What going back came to: the point that was met there, if one was, and whether it is the beginning of the recording. */
export interface Back {
  readonly stop: Stop;
  readonly instructions: number;
}

/** Back by a number of instructions, as far as there are. */
export function backBy(session: Session, count: number, signal: AbortSignal): Promise<Back> {
  return orStay(session, (recording) => findBack(session, recording, count, signal));
}

/** Back to the last place where a breakpoint, watchpoint or catchpoint stops the guest, or to the beginning. */
export function backToStop(session: Session, signal: AbortSignal): Promise<Back> {
  return orStay(session, (recording) => findStop(session, recording, signal));
}

/** Where going back fails, or is interrupted, the machine is where it was: devices have gone back already. */
async function orStay(session: Session, go: (recording: Recording) => Promise<Back>): Promise<Back> {
  const recording = needed(session), here = saveVm(session.vm), state = stateOf(session);
  try {
    return await go(recording);
  } catch (error) {
    await session.adopt(restored(session, { bytes: here }));
    keepState(session, state);
    recording.vm = session.vm;
    throw error;
  }
}

async function findBack(
  session: Session,
  recording: Recording,
  count: number,
  signal: AbortSignal,
): Promise<Back> {
  const { segments } = recording, now = session.vcpu.instructions;
  const wanted = Math.max(now - count, segments[0].from);
  const index = segments.findLastIndex(({ from }) => from <= wanted);
  // What calls of the shell executed between two runs cannot be gone through.
  const at = Math.min(wanted, segments[index].to);
  await goTo(session, recording, index, at, signal);
  const begins = at === segments[0].from && now - count < at;
  const message = begins
    ? "the beginning of what is recorded"
    : `went back ${now - at} instruction${now - at === 1 ? "" : "s"}`;
  return { stop: stopHere(session, message), instructions: now - at };
}

async function findStop(session: Session, recording: Recording, signal: AbortSignal): Promise<Back> {
  const { segments } = recording, now = session.vcpu.instructions;
  for (let index = segments.length - 1; index >= 0; index--) {
    const found = await lastStop(session, segments[index], Math.min(segments[index].to, now), now, signal);
    if (!found) continue;
    await goTo(session, recording, index, found.at, signal);
    return { stop: { ...found.stop, pc: session.vcpu.pc }, instructions: now - found.at };
  }
  const { from } = segments[0];
  await goTo(session, recording, 0, from, signal);
  return { stop: stopHere(session, "the beginning of what is recorded"), instructions: now - from };
}

/** The last stop of a run before the instruction that is next now. */
async function lastStop(
  session: Session,
  segment: Segment,
  end: number,
  now: number,
  signal: AbortSignal,
): Promise<{ stop: Stop; at: number } | undefined> {
  const vm = restored(session, segment);
  takePoints(session.vm, vm);
  const { vcpu } = vm;
  let found: { stop: Stop; at: number } | undefined;
  const first = vm.breakpoints.list().find(({ enabled, address, condition }) =>
    enabled && address === vcpu.pc && condition?.holds(vcpu) !== false
  );
  if (first && segment.from < now) {
    const message = `breakpoint ${first.id} at 0x${vcpu.pc.toString(16)}`;
    const stop: Stop = { reason: "DEBUG", breakpoint: first.id, message, pc: vcpu.pc, vcpu: 0 };
    found = { stop, at: segment.from };
  }
  await muted(session, async () => {
    while (vcpu.instructions < end) {
      const stop = await vm.run({ instructions: end - vcpu.instructions, signal });
      if (stop.reason === "INTERRUPTED") throw new Error("interrupted: the machine is where it was");
      if (stop.reason !== "DEBUG") break;
      if (vcpu.instructions < now) found = { stop, at: vcpu.instructions };
    }
  });
  return found;
}

async function goTo(
  session: Session,
  recording: Recording,
  index: number,
  at: number,
  signal: AbortSignal,
): Promise<void> {
  const segment = recording.segments[index], vm = restored(session, segment);
  const stop = await muted(session, () => vm.run({ instructions: at - segment.from, signal }));
  if (vm.vcpu.instructions !== at) {
    throw new Error(`the way to instruction ${at} ended at ${vm.vcpu.instructions}: ${stop.message}`);
  }
  const state = stateOf(session);
  await session.adopt(vm);
  keepState(session, state);
  recording.vm = vm;
  segment.to = at;
  recording.segments = recording.segments.slice(0, index + 1);
}

function restored(session: Session, { bytes }: Pick<Segment, "bytes">): Vm {
  const devices = [...session.devices.values()].map(({ device }) => device);
  return restoreVm(bytes, { devices, ioevents: session.vm.ioevents, engine: session.settings.engine });
}

/** What the guest prints on its way was printed before. */
async function muted<T>(session: Session, work: () => Promise<T>): Promise<T> {
  mute(session.out);
  try {
    return await work();
  } finally {
    unmute(session.out);
  }
}

function stopHere({ vcpu }: Session, message: string): Stop {
  return { reason: "DEBUG", message, pc: vcpu.pc, vcpu: vcpu.index };
}
