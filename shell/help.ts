/** `help`, `help COMMAND` and `help TOPIC`, all from the table of commands and the topics. */
import { formatDocPage } from "@optique/core/doc";
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple } from "@optique/core/modifiers";
import { getDocPageSync } from "@optique/core/parser";
import { argument } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { type Command, type CommandTable, defineCommand, type Group, GROUPS } from "./command.ts";
import type { Candidate } from "./editor/menu.ts";
import { fullGrammar, usageOf } from "./invoke.ts";
import { reflow } from "./reflow.ts";
import type { Style } from "./style.ts";
import { unknownCommand } from "./table.ts";
import { findTopic, type Topic, TOPICS } from "./topics.ts";

/** What `help` is about. */
type HelpPage =
  | { readonly kind: "overview" | "all" | "command" | "family"; readonly commands: readonly Command[] }
  | { readonly kind: "group"; readonly group: Group; readonly commands: readonly Command[] }
  | { readonly kind: "topic"; readonly topic: Topic; readonly commands: readonly Command[] };

export const helpCommand = defineCommand({
  name: "help",
  aliases: ["?"],
  group: "shell",
  summary: "what commands there are, or about one command, group or topic",
  description: "help alone names all commands, help all says what each does.",
  grammar: object({
    about: multiple(
      argument(string({ metavar: "NAME" }), { description: message`a command, a group or a topic` }),
    ),
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
      ...groupNames().filter((name) => !TOPICS.some((topic) => topic.name === name))
        .map((name) => ({ text: name, about: `commands: ${GROUPS[name]}` })),
      { text: "all", about: "every command with what it does" },
    ];
    return pages.filter(({ text }) => text.startsWith(before))
      .map(({ text, about }) => ({ text: text.slice(before.length).split(" ")[0], about }));
  },
  run: (session, { about }): HelpPage => lookUp(session.table, about.join(" ")),
  print: printPage,
});

/** A command's name comes first, then topics, groups, other names, and what begins so. */
function lookUp(table: CommandTable, about: string): HelpPage {
  const { commands } = table;
  if (about === "") return { kind: "overview", commands };
  if (about === "all") return { kind: "all", commands };
  const exact = table.get(about);
  if (exact?.name === about) return { kind: "command", commands: [exact] };
  const group = groupNames().find((name) => name === about);
  const members = commands.filter((command) => command.group === group);
  const topic = findTopic(about);
  if (topic?.name === about) return { kind: "topic", topic, commands: members };
  if (group !== undefined && members.length > 0) return { kind: "group", group, commands: members };
  if (exact) return { kind: "command", commands: [exact] };
  if (topic) return { kind: "topic", topic, commands: [] };
  const found = table.find(about.split(" "));
  if (found && "command" in found) return { kind: "command", commands: [found.command] };
  const family = commands.filter((command) => command.name.startsWith(`${about} `));
  if (family.length > 0) return { kind: "family", commands: family };
  throw unknownCommand(table, found ? about.split(" ") : [about], found);
}

const groupNames = () => Object.keys(GROUPS) as Group[];

function printPage(page: HelpPage, style: Style): string {
  switch (page.kind) {
    case "overview":
      return overview(page.commands, style);
    case "all":
      return groupNames().flatMap((group) => {
        const members = page.commands.filter((command) => command.group === group);
        return members.length === 0 ? [] : [groupPage(group, members, style)];
      }).join("\n\n");
    case "command":
      return page.commands.map((command) => commandPage(command, style)).join("\n\n");
    case "family":
      return rows(page.commands, style);
    case "group":
      return groupPage(page.group, page.commands, style);
    case "topic": {
      const { name, summary, text } = page.topic;
      const parts = [style.paint("bold", `${name}: ${summary}`), text];
      if (page.commands.length > 0) parts.push(rows(page.commands, style));
      return parts.join("\n\n");
    }
  }
}

/** Names only, by groups: it fits a terminal of ordinary height. */
function overview(commands: readonly Command[], style: Style): string {
  const names = (all: readonly { readonly name: string }[]) =>
    all.map(({ name }) => name.replaceAll(" ", GLUE)).join(", ");
  const sections = groupNames().flatMap((group) => {
    const members = commands.filter((command) => command.group === group);
    return members.length === 0 ? [] : [{ name: group, text: names(members) }];
  });
  const column = Math.max(...sections.map(({ name }) => name.length)) + 2;
  const section = ({ name, text }: { name: string; text: string }) =>
    style.paint("bold", name.padEnd(column)) + hung(text, column, style);
  return [
    "Commands may be shortened (disas for disasm); any other line is TypeScript.",
    sections.map(section).join("\n"),
    section({ name: "topics", text: names(TOPICS) }),
    reflow(
      "help NAME tells more about a command, a topic or a group, such as help stops. help all lists " +
        "every command with what it does. tutorial begins with the first lesson.",
      Math.min(style.width, TEXT_WIDTH),
    ),
  ].join("\n\n");
}

function groupPage(group: Group, commands: readonly Command[], style: Style): string {
  return `${style.paint("bold", `${group}: ${GROUPS[group]}`)}\n${rows(commands, style)}`;
}

/** A line for each command. */
function rows(commands: readonly Command[], style: Style): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return commands.map(({ name, summary }) =>
    `  ${style.paint("cyan", name.padEnd(width))}  ${hung(summary, width + 4, style)}`
  ).join("\n");
}

/** A blank where no line is broken. */
const GLUE = "\u00a0";

/** Columns that are read well; a narrower terminal gets less. */
const TEXT_WIDTH = 80;

/** `text` filled between `column` and the terminal's edge; its first line begins at `column` already. */
function hung(text: string, column: number, style: Style): string {
  const width = Math.min(style.width, TEXT_WIDTH) - column;
  return reflow(text, width).replaceAll("\n", `\n${" ".repeat(column)}`).replaceAll(GLUE, " ");
}

function commandPage(command: Command, style: Style): string {
  const usage = usageOf(command).replaceAll(/\[[^\]]*\]|--\w+ [A-Z]+/g, (part) => part.replaceAll(" ", GLUE));
  const width = Math.min(style.width, TEXT_WIDTH);
  const parts = [
    `${style.paint("bold", hung(usage, 2, style))}\n${reflow(`${capital(command.summary)}.`, width)}`,
  ];
  if (command.aliases?.length) parts.push(`Also: ${command.aliases.join(", ")}`);
  if (command.description) parts.push(reflow(command.description, width));
  const options = optionLines(command, style);
  if (options !== "") parts.push(options);
  if (command.examples.length > 0) {
    const lines = new Set(command.examples.map(({ line }) => `  ${line}`));
    parts.push(["Examples:", ...lines].join("\n"));
  }
  return parts.join("\n\n");
}

/** What the grammar explains; names of words alone are in the usage already. */
function optionLines(command: Command, style: Style): string {
  const page = getDocPageSync(fullGrammar(command));
  const sections = (page?.sections ?? []).map((section) => ({
    ...section,
    entries: section.entries.filter(({ description }) => description !== undefined),
  })).filter(({ entries }) => entries.length > 0);
  if (page === undefined || sections.length === 0) return "";
  const text = formatDocPage(command.name, { ...page, sections, usage: undefined }, {
    colors: style.color,
    maxWidth: Math.min(style.width, TEXT_WIDTH),
  });
  return text.split("\n").map((line) => line.trimEnd()).join("\n").trim().replace(/^/, "  ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
