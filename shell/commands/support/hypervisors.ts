/** Which hypervisors can be had where. */
import type { BackendName } from "./backends.ts";

/** One that could be had. */
export interface HypervisorRow {
  readonly name: string;
  readonly title: string;
  readonly discovery: string;
}

/** Those that a backend can show guests of a mode. */
export async function rowsFor(backend: BackendName, mode: 16 | 32 | 64): Promise<HypervisorRow[]> {
  // With the emulator, which is loaded on demand.
  const { HYPERVISORS } = await import("../../../emulator/machine/hypervisors/public.ts");
  return HYPERVISORS.filter(({ carriers }) => carriers[backend]?.includes(mode))
    .map(({ name, title, discovery }) => ({ name, title, discovery }));
}
