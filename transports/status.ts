/**
 * How a call ended, inside this folder: 0 or more is the reply's length, less is a negative errno.
 * Each hypercall ABI says the same in its own way: see `abi.ts`.
 */

import { ERROR_NUMBERS, type ErrorName } from "../emulator/machine/hypervisors/abi.ts";

/** The errno values in use; Linux's numbers. */
export const ERRNO: typeof ERROR_NUMBERS = ERROR_NUMBERS;

export type ErrnoName = ErrorName;

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
