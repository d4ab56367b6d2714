/**
 * Ctrl-Z. The whole job has to stop, since the shell that started it waits for its first process: under
 * `deno task` that is deno task itself, which takes SIGTSTP for a signal to hand on and never stops by it.
 * SIGSTOP nobody can catch. A process may signal its whole group with permission to run anything only, so
 * `kill` does it, the one program that `deno task start` may run. Alone in its job, as an installed trapsh
 * is, the process stops itself, which needs no permission.
 *
 * Who started it, and whether that is a shell with jobs, only the rest of the system knows, and Deno keeps
 * /proc to those with every permission: started by a terminal directly, trapsh stops for whoever sends SIGCONT.
 */
export function suspendJob(alone: boolean): void {
  if (Deno.build.os === "windows") throw new Error("Windows has no jobs");
  const mayKill = Deno.permissions.querySync({ name: "run", command: "kill" }).state === "granted";
  // The first process of a container has nobody to wake it.
  if (Deno.pid === 1 || mayKill && Deno.ppid === 1) throw new Error("there is no shell to go back to");
  // 0 is the group of the process that asks: kill's, and so ours.
  if (mayKill) new Deno.Command("kill", { args: ["-STOP", "0"], stdin: "null" }).outputSync();
  else if (alone) Deno.kill(Deno.pid, "SIGSTOP");
  else {throw new Error(
      "deno task would not stop with trapsh: that takes the program kill, and --allow-run=kill",
    );}
}
