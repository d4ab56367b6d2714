/**
 * Waiting for devices. At a prompt Ctrl-C ends a wait for a handler that never answers; elsewhere nobody is
 * there to press it, and a script would hang, so a wait has a limit.
 */
import { UserError } from "../../errors.ts";
import type { Vm } from "../../machine_types.ts";
import type { Session } from "../../session.ts";
import { showGuest } from "./guest_progress.ts";
import { numberOf } from "./numbers.ts";
import { flushTrace } from "./tracer.ts";

/** Seconds that one access may take, if `$patience` says nothing else. Real time: the guest's stands still. */
const PATIENCE = 30;
/** Milliseconds between two looks. The timer also keeps the program from ending in the middle of a wait. */
const LOOK_EVERY = 100;

/** As `waitPatiently`, and what was traced is in its file afterwards. */
export async function patiently<T>(
  session: Session,
  vm: Vm,
  work: (signal: AbortSignal) => Promise<T>,
  instructions?: number,
): Promise<T> {
  try {
    return await waitPatiently(session, vm, work, instructions);
  } finally {
    flushTrace(session);
  }
}

/**
 * Does `work` with a signal that fires on Ctrl-C, or where no prompt is, when one access has waited for its device
 * for `$patience` seconds. On a terminal its progress is shown, with the time left if the guest is given a number of
 * `instructions`.
 * @throws {UserError} in the latter case.
 */
async function waitPatiently<T>(
  session: Session,
  vm: Vm,
  work: (signal: AbortSignal) => Promise<T>,
  instructions?: number,
): Promise<T> {
  using _shown = showGuest(session, vm, "guest", instructions);
  if (session.interactive) return await work(session.signal);
  const limit = session.variables.has("patience")
    ? numberOf(session, "$patience", "patience in seconds", 1, 86_400)
    : PATIENCE;
  const impatience = new AbortController();
  let waiting: unknown;
  let since = 0;
  const timer = setInterval(() => {
    const pending = vm.vcpus.find((vcpu) => vcpu.pending)?.pending;
    if (pending !== waiting) {
      waiting = pending;
      since = performance.now();
    } else if (pending !== undefined && performance.now() - since >= limit * 1000) {
      impatience.abort();
    }
  }, LOOK_EVERY);
  try {
    const result = await work(AbortSignal.any([session.signal, impatience.signal]));
    if (impatience.signal.aborted) throw tooLong(limit, vm);
    return result;
  } catch (error) {
    throw impatience.signal.aborted ? tooLong(limit, vm) : error;
  } finally {
    clearInterval(timer);
  }
}

function tooLong(seconds: number, vm: Vm): UserError {
  // A call gives its access up by itself; the guest's own stays half-way.
  const on = vm.busy ? '"run" waits on, "reset" gives the access up; ' : "";
  return new UserError(
    `A device has not answered for ${seconds} s: ${on}"set $patience = N" changes how long to wait`,
  );
}
