/** All commands of the shell. */
import type { CommandTable } from "./command.ts";
import { COMMANDS } from "./commands/commands.ts";
import { helpCommand } from "./help.ts";
import { quitCommand } from "./quit.ts";
import { createTable } from "./table.ts";

export function createShellTable(): CommandTable {
  return createTable([...COMMANDS, helpCommand, quitCommand]);
}
