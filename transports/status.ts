/**
 * How a call ended, inside this folder: 0 or more is the reply's length, less is a negative errno.
 * Each hypercall ABI says the same in its own way: see `abi.ts`.
 */

/** The errno values in use; Linux's numbers. */
export const ERRNO = {
  EIO: 5,
  E2BIG: 7,
  EAGAIN: 11,
  EFAULT: 14,
  ENODEV: 19,
  EINVAL: 22,
  ENOSYS: 38,
  EINPROGRESS: 115,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** The name of a negative errno, `"status N"` for one that is not ours. */
export function statusName(status: number): string {
  for (const [name, value] of Object.entries(ERRNO)) {
    if (value === -status) return name;
  }
  return `status ${status}`;
}

/** A request that the endpoint refuses; `errno` is what the guest gets. */
export class Refusal extends Error {
  constructor(readonly errno: ErrnoName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Refusal";
  }
}
