/**
 * While the first line is typed: loads the emulator and builds its tables and interpreter, so that the first
 * command answers as fast as any. The machine that this takes is thrown away.
 */
import { loadMachine } from "./machine_loader.ts";
import type { Session } from "./session.ts";

/** Keys are answered between two steps. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

/** Never rejects: what is wrong will be told by the command that meets it. */
export async function warmUp(session: Session): Promise<void> {
  try {
    await pause();
    const { createVm } = await loadMachine();
    await pause();
    // Whoever was faster has done it.
    if (session.hasVm) return;
    const vm = createVm(session.settings);
    await pause();
    if (session.hasVm) return;
    await vm.run({ instructions: 1 });
    await pause();
    vm.assemble("nop");
    await import("./evaluate.ts");
  } catch {
    return;
  }
}
