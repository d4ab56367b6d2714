/** Which hypervisors can be had where. */
import type { BackendName } from "./backends.ts";
import { HYPERVISORS } from "../../../emulator/machine/hypervisors/public.ts";

/** One that could be had. */
export interface HypervisorRow {
  readonly name: string;
  readonly title: string;
  readonly discovery: string;
}

/** Those that a backend can show guests of a mode. */
export function rowsFor(backend: BackendName, mode: 16 | 32 | 64): HypervisorRow[] {
  return HYPERVISORS.filter(({ carriers }) => carriers[backend]?.includes(mode))
    .map(({ name, title, discovery }) => ({ name, title, discovery }));
}
