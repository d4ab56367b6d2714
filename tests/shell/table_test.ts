import { assert, assertEquals, assertThrows } from "@std/assert";
import { defineCommand, GROUPS } from "../../shell/command.ts";
import { quitCommand } from "../../shell/quit.ts";
import { createShellTable } from "../../shell/shell_table.ts";
import { createTable, unknownCommand } from "../../shell/table.ts";
import { smallTable } from "./small_table.ts";

function found(line: string): string {
  const match = smallTable.find(line.split(" "));
  if (!match) return "none";
  return "ambiguous" in match
    ? `? ${match.ambiguous.join(", ")}`
    : `${match.command.name}(${match.words.join(" ")})`;
}

const CASES: Readonly<Record<string, string>> = {
  "call 1 2": "call(1 2)",
  "ca 1": "call(1)",
  "r 1": "run(1)",
  "ru": "run()",
  "re": "? regs, reset",
  "x/8xw 4": "x(/8xw 4)",
  "ou.b 4": "out(.b 4)",
  "call/8": "none",
  "info exits by port": "info exits(by port)",
  "i ex": "? in, info exits",
  "inf ex": "info exits()",
  "info": "? info exits, info devices",
  "info nonsense": "? info exits, info devices",
  "info registers": "regs()",
  "exits reset": "exits reset()",
  "zz": "none",
};

for (const [line, expected] of Object.entries(CASES)) {
  Deno.test(`find() of ${JSON.stringify(line)} gives ${expected}`, () => assertEquals(found(line), expected));
}

Deno.test("createTable() refuses a name that is taken", () => {
  const twin = defineCommand({ ...quitCommand, name: "leave", aliases: ["q"] });
  assertThrows(() => createTable([quitCommand, twin]), TypeError, "quit and leave are both called q");
});

Deno.test("unknownCommand() says what may have been meant", () => {
  assertEquals(unknownCommand(smallTable, ["cal"]).message, 'There is no command "cal": did you mean call?');
  assertEquals(unknownCommand(smallTable, ["zzzz"]).message, 'There is no command "zzzz": see help');
  assertEquals(
    unknownCommand(smallTable, ["re"], { ambiguous: ["regs", "reset"] }).message,
    '"re" may mean regs, reset: write more of it',
  );
  const ambiguous = ["info exits", "info devices"];
  assertEquals(
    unknownCommand(smallTable, ["info"], { ambiguous }).message,
    '"info" may mean info exits, info devices: write more of it',
  );
  assertEquals(
    unknownCommand(smallTable, ["inf", "exist"], { ambiguous }).message,
    'There is no command "info exist": did you mean info exits?',
  );
  assertEquals(
    unknownCommand(smallTable, ["info", "nonsense"], { ambiguous }).message,
    'There is no command "info nonsense": there are info exits, info devices',
  );
});

Deno.test("help has a place for each command, and no group is called as a command", () => {
  const { commands, get } = createShellTable();
  for (const name of Object.keys(GROUPS)) {
    assert(get(name)?.name !== name, `${name} is a group and a command`);
    assert(commands.some(({ group }) => group === name), `the group ${name} is empty`);
  }
});
