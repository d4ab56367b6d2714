/** `session save`: what was done at the prompt, as a file that does it again. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { flag } from "@optique/core/primitives";
import { defineCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { savedSessionText } from "../reports/saved_session.ts";
import { VERSION } from "../version.ts";
import { fileNames } from "./support/files.ts";
import { word } from "./support/grammar.ts";

export const saveSession = defineCommand({
  name: "session save",
  group: "shell",
  summary: "write the lines done so far as a script that does them again",
  description:
    `FILE.ts is a module: trapsh run FILE.ts does the lines again on a new session, and fails where one of them does.
With --exits it also asserts the exits that there are now, entry by entry, so that it is a test. Lines that
failed are left out; what files and devices did is done again by them, as they are then.`,
  grammar: object({
    file: word("FILE.ts"),
    exits: withDefault(flag("--exits", { description: message`assert the same exits at its end` }), false),
  }),
  transient: true,
  examples: [{ line: "session save lab.ts --exits" }],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(session, { file, exits }): Promise<{ readonly file: string; readonly lines: number }> {
    if (!file.endsWith(".ts")) throw new UserError(`${file}: a session is saved as TypeScript, FILE.ts`);
    const { lines, dropped } = session.journal;
    if (dropped > 0) {
      throw new UserError(`This session is too long to be saved: ${dropped} lines were not kept`);
    }
    const text = savedSessionText({
      version: VERSION,
      settings: session.initialSettings,
      lines,
      ...(exits && { exits: session.exits }),
    });
    await Deno.writeTextFile(file, text);
    return { file, lines: lines.length };
  },
  print: ({ file, lines }) => `${lines} line${lines === 1 ? "" : "s"} written to ${file}`,
});
