/** Errors of devices' handlers, told with the device's name and what it was asked. */
import { isPromise, type MaybePromise } from "./maybe_promise.ts";

/** An error's message, or what else was thrown as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A handler threw, or its promise was rejected; `cause` is what it threw. */
export class DeviceFailure extends Error {
  constructor(device: string, asked: string, cause: unknown) {
    super(`device "${device}" failed in ${asked}: ${messageOf(cause)}`, { cause });
    this.name = "DeviceFailure";
  }
}

/** What `handler` gives, now or later; what it throws, as a `DeviceFailure`. */
export function guarded<T>(device: string, asked: string, handler: () => MaybePromise<T>): MaybePromise<T> {
  const failed = (cause: unknown): never => {
    throw new DeviceFailure(device, asked, cause);
  };
  try {
    const answer = handler();
    return isPromise(answer) ? answer.then(undefined, failed) : answer;
  } catch (cause) {
    return failed(cause);
  }
}
