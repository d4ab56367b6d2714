/** `info symbols`: names of the loaded program. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { maybeWord } from "./support/grammar.ts";

export interface SymbolData {
  readonly name: string;
  readonly address: bigint;
}

export const infoSymbols = defineCommand({
  name: "info symbols",
  aliases: ["sym"],
  group: "inspect",
  summary: "list the symbols, or those that contain TEXT",
  grammar: object({ text: maybeWord("TEXT") }),
  examples: [{ line: "info symbols", after: ["arch x86", "asm start: hlt"], shows: "start" }],
  run(session, { text = "" }): SymbolData[] {
    return session.vm.symbols.list().filter(({ name }) => name.includes(text))
      .map(({ name, address }) => ({ name, address }));
  },
  print: (list) =>
    list.length === 0
      ? "no symbols"
      : list.map(({ name, address }) => `${hex(address, 8)} ${name}`).join("\n"),
});
