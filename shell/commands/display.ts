/** `display`, `undisplay`, `info display`: expressions that are shown after each stop. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import {
  addDisplay,
  type DisplayData,
  displayLines,
  listDisplays,
  removeDisplay,
  showDisplay,
  showDisplays,
} from "./support/displays.ts";
import { words } from "./support/grammar.ts";
import { symbolNames } from "./support/symbols.ts";

const print = (list: readonly DisplayData[]) => displayLines(list).join("\n");

export const display = defineCommand({
  name: "display",
  group: "stops",
  summary: "show an expression, now and after each stop",
  description:
    `display EXPR shows its value; display/NFU EXPR the memory at it, in the formats of x: display/3i $pc. display alone shows
all of them.`,
  suffix: "/",
  raw: true,
  grammar: object({ words: words("EXPR") }),
  examples: [
    { line: "display $rax + 1", after: ["arch x86"], shows: "1: $rax + 1 = 1 = 0x1" },
    { line: "display/2i $pc", after: ["arch ppc", "asm li r3, 5 ;; nop"], shows: "li r3, 5" },
  ],
  complete: symbolNames,
  run(session, { words }): DisplayData[] {
    const format = words[0]?.startsWith("/") ? words[0] : undefined;
    const expression = (format === undefined ? words : words.slice(1)).join(" ");
    if (expression === "") {
      if (format !== undefined) {
        throw new SyntaxError("display wants an expression (example: display/3i $pc)");
      }
      return showDisplays(session);
    }
    const added = addDisplay(session, expression, format), shown = showDisplay(session, added);
    return [shown];
  },
  print,
});

export const undisplay = defineCommand({
  name: "undisplay",
  group: "stops",
  summary: "show an expression no longer after each stop, or none at all",
  grammar: object({ ids: words("N") }),
  examples: [{ line: "undisplay 1", after: ["arch x86", "display $rax"], shows: "1 is displayed no longer" }],
  complete: (session) => listDisplays(session).map(({ id }) => String(id)),
  run(session, { ids }): { readonly ids: readonly number[] } {
    const all = listDisplays(session).map(({ id }) => id);
    const gone = ids.length === 0 ? all : ids.map((text) => {
      const id = Number(text);
      if (all.includes(id)) return id;
      const there = all.length === 0 ? "there are none" : `there are ${all.join(", ")}`;
      throw new ReferenceError(`There is no display ${text}; ${there}`);
    });
    for (const id of gone) removeDisplay(session, id);
    return { ids: gone };
  },
  print: ({ ids }) => ids.length === 0 ? "nothing was displayed" : `${ids.join(", ")} is displayed no longer`,
});

export const infoDisplay = defineCommand({
  name: "info display",
  group: "stops",
  summary: "list what is shown after each stop",
  grammar: object({}),
  examples: [{ line: "info display", after: ["arch x86", "display $rax"], shows: "1: $rax" }],
  run: showDisplays,
  print: (list) => list.length === 0 ? "nothing is displayed" : print(list),
});
