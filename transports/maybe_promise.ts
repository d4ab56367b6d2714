/** A device's handler may answer now or later: code that serves both without making every answer late. */

export type MaybePromise<T> = T | Promise<T>;

/** True for a promise, whoever made it. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** `next(value)`, at once if `value` is there. */
export function after<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value);
}
