/** The grammar of the command line. */
import { merge, object, or } from "@optique/core/constructs";
import { formatDocPage } from "@optique/core/doc";
import { formatMessage, message } from "@optique/core/message";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import { getDocPageSync, type InferValue, type Parser, parseSync } from "@optique/core/parser";
import { argument, command, constant, flag, option, passThrough } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";
import { PROFILE_NAMES } from "../emulator/exits/profiles/names.ts";
import { HYPERVISOR_NAMES } from "./commands/support/hypervisor_names.ts";
import { COMPLETED_SHELLS } from "./completion.ts";
import { UserError } from "./errors.ts";
import { fileWord, folderWord, nameOrFile } from "./file_words.ts";

const settings = object("Machine", {
  arch: optional(
    option("--arch", choice(["x86", "ppc"], { metavar: "ARCH" }), { description: message`instruction set` }),
  ),
  mode: optional(
    option("--mode", choice([16, 32, 64], { metavar: "BITS" }), {
      description: message`width of the guest's mode`,
    }),
  ),
  backend: optional(
    option("--backend", choice(["vmx", "svm", "kvm-hv", "kvm-pr"], { metavar: "NAME" }), {
      description: message`hypervisor`,
    }),
  ),
  hypervisor: optional(
    option("--hypervisor", choice(HYPERVISOR_NAMES, { metavar: "NAME" }), {
      description: message`what the guest takes the hypervisor for`,
    }),
  ),
  profile: optional(
    option("--profile", nameOrFile("NAME", PROFILE_NAMES, [".json"]), {
      description: message`cost profile, by name or file`,
    }),
  ),
  memory: optional(
    option("--memory", integer({ metavar: "MIB", min: 1, max: 2047 }), {
      description: message`guest RAM in MiB`,
    }),
  ),
  vcpus: optional(
    option("--vcpus", integer({ metavar: "N", min: 1, max: 64 }), {
      description: message`vCPUs: all but the first are parked until they are started`,
    }),
  ),
});

const json = withDefault(
  flag("--json", { description: message`print data as JSON wherever a table is printed` }),
  false,
);

/** `-e` and `-x` keep their order among each other. */
const steps = multiple(or(
  map(
    option("-e", string({ metavar: "LINE" }), { description: message`do a line, then end` }),
    (line) => ({ line }),
  ),
  map(
    option("-x", fileWord("FILE"), { description: message`do a file's lines, then end` }),
    (name) => ({
      file: name,
    }),
  ),
));

const gdb = (description: ReturnType<typeof message>) =>
  optional(option("--gdb", integer({ metavar: "PORT", min: 0, max: 0xffff }), { description }));

const lines = object({
  kind: constant("lines"),
  steps,
  gdb: gdb(message`after them, wait for a debugger at this port of 127.0.0.1; at a prompt in the background`),
  interactive: withDefault(flag("-i", { description: message`after them, go on with a prompt` }), false),
  help: withDefault(flag("-h", "--help", { description: message`this` }), false),
  version: withDefault(flag("-V", "--version", { description: message`the version` }), false),
});

const run = object({
  kind: constant("run"),
  file: argument(fileWord("FILE", [".ts"]), {
    description: message`a TypeScript module; its default export is called with a context`,
  }),
  args: passThrough({ format: "greedy", description: message`what follows is the module's own` }),
});

const exec = object({
  kind: constant("exec"),
  guest: argument(fileWord("GUEST"), { description: message`a flat image or an ELF file` }),
  stats: optional(
    option("--stats", fileWord("FILE"), { description: message`write exits and cycles as JSON` }),
  ),
  at: optional(
    option("--at", string({ metavar: "ADDR" }), { description: message`where a flat image goes` }),
  ),
  budget: optional(
    option("--budget", integer({ metavar: "N", min: 1 }), {
      description: message`guest instructions at most; without it, until it ends or Ctrl-C`,
    }),
  ),
  gdb: gdb(message`wait at the guest's first instruction for a debugger at this port of 127.0.0.1`),
});

/** A command of the shell by itself, with its own grammar: here is only what Tab of another shell needs. */
const alone = <const Name extends "sweep" | "merge">(name: Name, endings: readonly `.${string}`[]) =>
  object({
    kind: constant("command"),
    name: constant(name),
    file: optional(argument(fileWord("FILE", endings))),
    args: passThrough({ format: "greedy", hidden: true }),
  });

const sweep = alone("sweep", [".ts"]), merged = alone("merge", [".csv", ".json"]);

const completion = object({
  kind: constant("completion"),
  shell: argument(choice(COMPLETED_SHELLS, { metavar: "SHELL" }), {
    description: message`prints what makes that shell's Tab know trapsh`,
  }),
  /** What the printed script asks with. */
  words: passThrough({ format: "greedy", hidden: true }),
});

const folder = optional(
  option("-C", folderWord(), { description: message`work in this folder` }),
);
const common = merge(object({ folder, json }), settings);
const grammar = merge(
  common,
  or(
    command("run", run),
    command("exec", exec),
    command("sweep", sweep),
    command("merge", merged),
    command("completion", completion),
    lines,
  ),
);
const linesOnly = merge(common, lines);

/** Each begins another kind of call than lines. */
const WORDS = ["run", "exec", "sweep", "merge", "completion"];

/** For Tab: the whole command line, and the options that may stand anywhere in it. */
export const completed: {
  readonly grammar: Parser<"sync", unknown, unknown>;
  readonly options: Parser<"sync", unknown, unknown>;
} = { grammar, options: linesOnly };

export type CommandLine = InferValue<typeof grammar>;

/** Throws `UserError` that says what is wrong. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  // Without the word for one of the others it can only be lines: errors are then about them.
  const result = parseSync(WORDS.some((word) => args.includes(word)) ? grammar : linesOnly, args);
  if (result.success) return result.value;
  const what = formatMessage(result.error, { quotes: false }).replaceAll(/\s*\n\s*/g, " ").replace(/\.$/, "");
  throw new UserError(`${what} (see --help)`);
}

/** `--help`: the ways to call it, and the options of each. */
export function commandLineHelp(color: boolean): string {
  const section = (title: string, parser: Parser<"sync", unknown, unknown>) => {
    const page = getDocPageSync(parser);
    const shown = { sections: page?.sections.map((it) => ({ entries: it.entries })) ?? [] };
    const text = formatDocPage("trapsh", shown, { colors: color, maxWidth: 100, showChoices: true });
    return `${title}\n${
      text.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").join("\n")
    }`;
  };
  return [
    "trapsh [OPTIONS] [-e LINE | -x FILE]...   lines; without any, a prompt, or standard input\n" +
    "trapsh [OPTIONS] run FILE.ts [ARGS...]    an experiment\n" +
    "trapsh [OPTIONS] exec GUEST               a guest; its console is standard output\n" +
    "trapsh sweep FILE.ts [--out TABLE.csv]... an experiment over all combinations of its parameters\n" +
    "trapsh merge TABLE.csv [JOURNAL...]       a sweep's shards put together\n" +
    "trapsh completion SHELL                   a script for Tab of the installed command",
    "A guest's console is a 16550A at port 0x3f8, its input standard input. A byte to port 0x501 ends it and is\n" +
    "the exit status. On PowerPC ports lie from 0xfe000000 on. An ELF file says itself which ARCH and BITS.\n" +
    "OPTIONS stand before run, as what follows FILE.ts is the experiment's own.",
    section("OPTIONS", common),
    section("Lines", lines),
    section("run", run),
    section("exec", exec),
    section("completion", completion),
    "The exit status is 0, 1 after the first failure, or what quit and experiments ask for; of a sweep 1 if cells failed, 130\n" +
    "if it was stopped by Ctrl-C. trapsh -e help lists the commands.",
  ].join("\n\n") + "\n";
}
