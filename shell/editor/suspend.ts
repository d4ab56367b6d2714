/**
 * Ctrl-Z. The whole job has to stop, since the shell that started it waits for its first process: under
 * `deno task` that is deno task itself, which takes SIGTSTP for a signal to hand on and never stops by it.
 * SIGSTOP nobody can catch. A process may signal its whole group with permission to run anything only, so
 * `kill` does it, the one program that `deno task start` may run. Without that permission (an installed
 * trapsh is its job's only process) the process stops itself, which needs none.
 */
export function suspendJob(): void {
  if (Deno.build.os === "windows") throw new Error("Windows has no jobs");
  if (Deno.permissions.querySync({ name: "run", command: "kill" }).state !== "granted") {
    Deno.kill(Deno.pid, "SIGSTOP");
    return;
  }
  // 0 is the group of the process that asks: kill's, and so ours.
  new Deno.Command("kill", { args: ["-STOP", "0"], stdin: "null" }).outputSync();
}
