import { assert, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../../shell/commands/commands.ts";
import { parseCommand } from "../../../shell/invoke.ts";
import { createShellTable } from "../../../shell/shell_table.ts";
import { startSession } from "./session.ts";

/** Commands whose examples need a file; `files_test.ts`, `saved_session_test.ts` and those of sweeps run them. */
const WITH_FILES = new Set([
  "list",
  "load",
  "loadmem",
  "savemem",
  "device add",
  "device reload",
  "export",
  "script",
  "session save",
  "source",
  "sweep",
  "merge",
]);

Deno.test("each command has an example, and each example is a line of its command", () => {
  const table = createShellTable();
  for (const command of COMMANDS) {
    assert(command.examples.length > 0, `${command.name} has no example`);
    for (const { line } of command.examples) {
      const found = parseCommand(table, line).command;
      assert(found === command, `"${line}" is an example of ${command.name} and runs ${found.name}`);
    }
  }
});

for (const command of COMMANDS.filter(({ name }) => !WITH_FILES.has(name))) {
  for (const { line, after = [], shows } of command.examples) {
    Deno.test(`example of ${command.name}: ${line}`, async () => {
      const { session, type } = startSession();
      for (const before of after) {
        const outcome = await session.execute(before);
        if (!outcome.ok) throw new Error(`"${before}", to run first, fails`, { cause: outcome.error });
      }
      const text = await type(line);
      if (shows !== undefined) assertStringIncludes(text, shows);
      assert(!text.startsWith("error:"), text);
      session.close();
    });
  }
}

Deno.test("each command's data can be printed as JSON", async () => {
  for (const command of COMMANDS) {
    if (command.json === false || WITH_FILES.has(command.name)) continue;
    const { session, type } = startSession();
    const [{ line, after = [] }] = command.examples;
    for (const before of after) await type(before);
    const text = await type(`${line} --json`);
    try {
      JSON.parse(text);
    } catch (error) {
      throw new Error(`"${line} --json" prints no JSON: ${text.slice(0, 200)}`, { cause: error });
    }
    session.close();
  }
});
