/** A few commands, for tests of the shell alone. */
import { object } from "@optique/core/constructs";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { type Command, defineCommand } from "../../shell/command.ts";
import { helpCommand } from "../../shell/help.ts";
import { quitCommand } from "../../shell/quit.ts";
import { createTable } from "../../shell/table.ts";

interface Words {
  readonly words: readonly string[];
  readonly via?: string;
}

/** Words of a kind that the shell knows, and an option. */
const positional = (metavar: "ADDR" | "FILE") =>
  object({
    words: multiple(argument(string({ metavar }))),
    via: optional(option("--via", choice(["hypercall", "pio", "mmio"]))),
  });

/** A command that answers with its own words. */
function parrot(name: string, more: Partial<Command<Words, Words>> = {}): Command {
  return defineCommand<Words, Words>({
    name,
    group: "shell",
    summary: `do ${name}`,
    grammar: object({
      words: multiple(argument(string({ metavar: "WORD" }))),
      via: optional(option("--via", choice(["hypercall", "pio", "mmio"]))),
    }),
    light: true,
    examples: [],
    run: (_session, args) => args,
    print: ({ words, via }) => `${name}(${words.join("|")})${via ? ` via ${via}` : ""}`,
    ...more,
  });
}

/** `call 5` fails, `wait` waits for Ctrl-C, `asm` takes its words raw. */
export const smallTable = createTable([
  parrot("call", {
    run(_session, args) {
      if (args.words[0] === "5") throw new RangeError("There is no function 5: functions are 0 to 4");
      return args;
    },
  }),
  parrot("regs", { aliases: ["info registers"] }),
  parrot("run", { aliases: ["r"] }),
  parrot("reset"),
  parrot("x", { suffix: "/", repeats: true }),
  parrot("out", { suffix: "." }),
  parrot("in", { suffix: "." }),
  parrot("asm", { raw: true }),
  parrot("continue", { aliases: ["c"] }),
  parrot("info exits"),
  parrot("info devices"),
  parrot("exits reset"),
  parrot("open", { complete: () => ["echo", "ether", "uart"] }),
  parrot("find", { grammar: positional("ADDR") }),
  parrot("save", { grammar: positional("FILE") }),
  parrot("wait", {
    run: (session, args) =>
      new Promise((resolve) => session.signal.addEventListener("abort", () => resolve(args), { once: true })),
  }),
  parrot("hang", { run: () => new Promise<never>(() => {}) }),
  helpCommand,
  quitCommand,
]);
