/** `quit`. */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { defineCommand } from "./command.ts";

export const quitCommand = defineCommand({
  name: "quit",
  aliases: ["q", "exit"],
  group: "shell",
  summary: "end the session",
  description: "Ctrl-D on an empty line does the same. Lines after it, of -e or a file, are not done.",
  grammar: object({
    status: withDefault(
      argument(integer({ metavar: "STATUS", min: 0, max: 255 }), {
        description: message`exit status, 0 to 255`,
      }),
      0,
    ),
  }),
  json: false,
  light: true,
  transient: true,
  examples: [{ line: "quit" }],
  run(session, { status }) {
    session.quit(status);
  },
  print: () => "",
});
