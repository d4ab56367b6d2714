/** The command that `deno task install` makes may do what `deno task start` may, and what is published is the program. */
import { assertEquals } from "@std/assert";
import project from "../deno.json" with { type: "json" };

/** Flags of a task's command, the folder that it works in written alike. */
function permissions(task: { readonly command: string }): string[] {
  const flags = task.command.match(/--(?:allow|no-prompt)\S*/g) ?? [];
  return flags.map((flag) => flag.replaceAll('"', "").replace("$INIT_CWD", ".")).sort();
}

Deno.test("the installed command has the permissions of the task start", () => {
  // Ctrl-Z has to stop deno task, too, which takes a program; the installed command has nobody above it.
  const start = permissions(project.tasks.start).filter((flag) => flag !== "--allow-run=kill");
  assertEquals(permissions(project.tasks.install), start);
});

Deno.test("what is published is the library and the program, not the tests", () => {
  assertEquals(Object.values(project.exports), ["./mod.ts", "./shell/main.ts"]);
  for (const file of Object.values(project.exports)) Deno.statSync(new URL(`../${file}`, import.meta.url));
  assertEquals(project.publish.exclude.includes("tests/"), true);
});
