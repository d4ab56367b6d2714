/** `list`: source lines, where debug information and the files are there. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { maybeWord } from "./support/grammar.ts";
import { addressOf } from "./support/numbers.ts";
import { fileNamed, isSourcePlace, sourceText } from "./support/source_files.ts";
import { stateOf } from "./support/state.ts";
import { symbolNames } from "./support/symbols.ts";

/** Lines of one list. */
const SHOWN = 10;

/** What `list` shows. */
export interface ListData {
  readonly file: string;
  readonly lines: readonly { readonly line: number; readonly text: string; readonly here: boolean }[];
}

/** File and first line: around a place, or where the last list ended. */
function start(session: Session, place: string | undefined): { file: string; line: number } {
  const { listNext } = stateOf(session);
  if (place === undefined && listNext) return listNext;
  if (place !== undefined && isSourcePlace(session, place)) {
    const [name, line] = place.split(":");
    return { file: fileNamed(session, name), line: Math.max(1, Number(line) - SHOWN / 2) };
  }
  const address = place === undefined ? session.vcpu.fetchAddress() : addressOf(session, place);
  const row = session.vm.lines.at(address);
  if (!row) {
    throw new ReferenceError(
      `No source line is known for 0x${
        address.toString(16)
      }: compile with -g, load the ELF file, or see disasm`,
    );
  }
  return { file: row.file, line: Math.max(1, row.line - SHOWN / 2) };
}

export const list = defineCommand({
  name: "list",
  aliases: ["l"],
  group: "inspect",
  summary: "show source lines around a place",
  description:
    `list [ADDR|FILE:LINE]: ${SHOWN} lines around the place, or the program counter; alone it goes on. Lines are known for ELF
files with DWARF line tables (gcc -g), version 2 to 5, not compressed; FILE:LINE is then an address everywhere: break prog.c:12.`,
  grammar: object({ place: maybeWord("PLACE") }),
  repeats: true,
  examples: [{ line: "list main" }],
  complete: symbolNames,
  run(session, { place }): ListData {
    const { file, line } = start(session, place), text = sourceText(session, file);
    if (!text) throw new ReferenceError(`${file}, which line ${line} is of, cannot be read from here`);
    const here = session.vm.lines.at(session.vcpu.fetchAddress());
    const lines = text.slice(line - 1, line - 1 + SHOWN).map((one, i) => ({
      line: line + i,
      text: one.trimEnd(),
      here: here?.file === file && here.line === line + i,
    }));
    if (lines.length === 0) throw new RangeError(`${file} has ${text.length} lines`);
    stateOf(session).listNext = { file, line: line + lines.length };
    return { file, lines };
  },
  print: ({ lines }) =>
    lines.map(({ line, text, here }) => `${here ? "=>" : "  "} ${String(line).padStart(4)}  ${text}`).join(
      "\n",
    ),
});
