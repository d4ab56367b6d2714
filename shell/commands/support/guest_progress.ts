/** Progress of a guest that runs: by its instructions. */
import type { Vm } from "../../machine_types.ts";
import type { Progress } from "../../progress_display.ts";
import type { Session } from "../../session.ts";

/** Shows the instructions that `vm` executes from now on, of `limit` if there is one; nothing while it waits for a device. */
export function showGuest(
  session: Pick<Session, "progress">,
  vm: Vm,
  what: string,
  limit?: number,
): Progress {
  const executed = () => vm.vcpus.reduce((sum, { instructions }) => sum + instructions, 0);
  const before = executed();
  return session.progress(what, {
    unit: "instructions",
    state() {
      if (vm.vcpus.some(({ pending }) => pending)) return undefined;
      return { done: executed() - before, ...(limit !== undefined && { total: limit }) };
    },
  });
}
