/** `info symbols`: names of the loaded program, and the name of an address. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { words } from "./support/grammar.ts";
import { addressOf } from "./support/numbers.ts";
import { sourceAt, type SourceData } from "./support/source_files.ts";
import { symbolNames } from "./support/symbols.ts";

export interface SymbolData {
  readonly name: string;
  readonly address: bigint;
  /** Bytes, where they are known. */
  readonly size?: bigint;
  /** Of an address that was asked for: how far behind the symbol it is, and its source line. */
  readonly offset?: bigint;
  readonly source?: SourceData;
}

export const infoSymbols = defineCommand({
  name: "info symbols",
  aliases: ["sym", "info symbol", "info line"],
  group: "inspect",
  summary: "list the symbols, or those that contain TEXT; or tell what is at an address",
  description:
    "sym TEXT lists the names with TEXT in them; sym 0x1004, sym $pc and sym prog.c:12 name what is there.",
  grammar: object({ words: words("TEXT|ADDR") }),
  raw: true,
  examples: [
    { line: "info symbols", after: ["arch x86", "asm start: hlt"], shows: "start" },
    { line: "sym $pc + 1", after: ["arch x86", "asm start: nop ;; hlt"], shows: "0x00001001 start+0x1" },
  ],
  complete: symbolNames,
  run(session, { words }): SymbolData[] {
    const text = words.join(" "), { symbols } = session.vm;
    if (/^[\d$(*]|:\d+$/.test(text)) {
      const address = addressOf(session, text),
        near = symbols.nearest(address),
        source = sourceAt(session, address);
      if (!near) throw new ReferenceError(`There is no symbol at or near ${hex(address)}`);
      return [{ ...near, address, ...(source && { source }) }];
    }
    return symbols.list().filter(({ name }) => name.includes(text)).map(({ name, address, size }) => (
      { name, address, ...(size !== undefined && { size }) }
    ));
  },
  print: (list) =>
    list.length === 0
      ? "no symbols"
      : list.map(({ name, address, offset, source }) =>
        `${hex(address, 8)} ${name}${offset ? `+${hex(offset)}` : ""}${
          source ? `  ${source.file}:${source.line}` : ""
        }`
      ).join("\n"),
});
