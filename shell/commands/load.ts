/** `load`: a guest's image from a file. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { fileNames } from "./support/files.ts";
import { keyword, word } from "./support/grammar.ts";
import { addressOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";

export interface LoadData {
  readonly file: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Where the guest starts. */
  readonly pc: bigint;
  /** Symbols that the file brought. */
  readonly symbols: number;
}

export const load = defineCommand({
  name: "load",
  group: "machine",
  summary: "load a guest from a file, flat or ELF, and point the program counter at it",
  description:
    `A flat image goes to ADDR, or to the default load address of the mode; an ELF file says itself where it
goes, and brings its symbols. For assembler source use asm FILE.`,
  grammar: object({ file: word("FILE"), at: keyword("at", "ADDR") }),
  examples: [{ line: "load guest.elf" }, { line: "load boot.bin at 0x7c00" }],
  complete: (_session, words) => fileNames(words.at(-1) ?? ""),
  async run(session, { file, at }): Promise<LoadData> {
    if (/\.(s|asm)$/i.test(file)) throw new TypeError(`${file} looks like assembler source: use asm ${file}`);
    const bytes = await Deno.readFile(file);
    const options = at === undefined ? {} : { at: addressOf(session, at) };
    const { entry, symbols } = session.vm.load(bytes, options);
    stateOf(session).entry = entry;
    return { file, size: bytes.length, pc: entry, symbols };
  },
  print: ({ file, size, pc, symbols }) =>
    `${file}: ${size} bytes${symbols > 0 ? `, ${symbols} symbols` : ""}, pc ${hex(pc)}`,
});
