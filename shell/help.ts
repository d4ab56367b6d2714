/** `help`, `help COMMAND` and `help TOPIC`, all from the table of commands and the topics. */
import { formatDocPage } from "@optique/core/doc";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple } from "@optique/core/modifiers";
import { getDocPageSync } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { type Command, type CommandTable, defineCommand, GROUPS } from "./command.ts";
import type { Candidate } from "./editor/menu.ts";
import { fullGrammar, usageOf } from "./invoke.ts";
import { reflow } from "./reflow.ts";
import type { Style } from "./style.ts";
import { unknownCommand } from "./table.ts";
import { findTopic, type Topic, TOPICS } from "./topics.ts";

/** What `help` is about. */
type HelpPage =
  | { readonly kind: "overview"; readonly commands: readonly Command[] }
  | { readonly kind: "commands"; readonly commands: readonly Command[] }
  | { readonly kind: "topic"; readonly topic: Topic };

export const helpCommand = defineCommand({
  name: "help",
  aliases: ["?"],
  group: "shell",
  summary: "what commands there are, or about one command or topic",
  grammar: object({
    about: multiple(argument(string({ metavar: "NAME" }), { description: message`a command or a topic` })),
  }),
  json: false,
  light: true,
  examples: [
    { line: "help", shows: "help NAME" },
    { line: "help help", shows: "help [NAME...]" },
    { line: "help exits", shows: "ledger" },
  ],
  complete(session, words): Candidate[] {
    // Of a name of two words the second, after the first.
    const before = words.slice(0, -1).map((word) => `${word} `).join("");
    const pages = [
      ...session.table.commands.map(({ name, summary }) => ({ text: name, about: summary })),
      ...TOPICS.map(({ name, summary }) => ({ text: name, about: summary })),
    ];
    return pages.filter(({ text }) => text.startsWith(before))
      .map(({ text, about }) => ({ text: text.slice(before.length).split(" ")[0], about }));
  },
  run: (session, { about }): HelpPage => lookUp(session.table, about.join(" ")),
  print: printPage,
});

/** A command's full name comes first, then a topic, then commands that begin so. */
function lookUp(table: CommandTable, about: string): HelpPage {
  if (about === "") return { kind: "overview", commands: table.commands };
  const exact = table.get(about);
  if (exact) return { kind: "commands", commands: [exact] };
  const topic = findTopic(about);
  if (topic) return { kind: "topic", topic };
  const found = table.find(about.split(" "));
  if (found && "command" in found) return { kind: "commands", commands: [found.command] };
  const family = table.commands.filter((command) => command.name.startsWith(`${about} `));
  if (family.length > 0) return { kind: "commands", commands: family };
  throw unknownCommand(table, found ? about.split(" ") : [about], found);
}

function printPage(page: HelpPage, style: Style): string {
  switch (page.kind) {
    case "overview":
      return overview(page.commands, style);
    case "commands":
      return page.commands.map((command) => commandPage(command, style)).join("\n\n");
    case "topic":
      return `${style.paint("bold", `${page.topic.name}: ${page.topic.summary}`)}\n\n${page.topic.text}`;
  }
}

function overview(commands: readonly Command[], style: Style): string {
  const width = Math.max(
    ...commands.map((command) => command.name.length),
    ...TOPICS.map((t) => t.name.length),
  );
  const row = (name: string, summary: string) => `  ${style.paint("cyan", name.padEnd(width))}  ${summary}`;
  const sections = GROUPS.flatMap((group) => {
    const members = commands.filter((command) => command.group === group);
    if (members.length === 0) return [];
    return [[style.paint("bold", group), ...members.map((it) => row(it.name, it.summary))].join("\n")];
  });
  const topics = TOPICS.map((topic) => row(topic.name, topic.summary));
  return [
    "Commands may be shortened (disas for disasm); any other line is TypeScript.",
    ...sections,
    [style.paint("bold", "topics"), ...topics].join("\n"),
    "help NAME tells more about a command or topic.",
  ].join("\n\n");
}

function commandPage(command: Command, style: Style): string {
  const parts = [`${style.paint("bold", usageOf(command))}\n${capital(command.summary)}.`];
  if (command.aliases?.length) parts.push(`Also: ${command.aliases.join(", ")}`);
  if (command.description) parts.push(reflow(command.description, 80));
  const page = getDocPageSync(fullGrammar(command));
  if (page && page.sections.some((section) => section.entries.length > 0)) {
    const text = formatDocPage(command.name, { ...page, usage: undefined }, {
      colors: style.color,
      maxWidth: 100,
    });
    parts.push(text.split("\n").map((line) => line.trimEnd()).join("\n").trim().replace(/^/, "  "));
  }
  if (command.examples.length > 0) {
    parts.push(["Examples:", ...command.examples.map((example) => `  ${example.line}`)].join("\n"));
  }
  return parts.join("\n\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
