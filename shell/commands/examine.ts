/** `x`, `xp` and `hexdump`: memory in gdb's formats. */
import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { printExamined } from "../reports/examined.ts";
import { hexdump } from "../reports/hexdump.ts";
import { codeAddress } from "./support/code.ts";
import { parseExamine } from "./support/examine_format.ts";
import { type AddressSpace, type ExamineData, readAt, readBytes } from "./support/examine_memory.ts";
import { maybeWord, words } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";
import { symbolNames } from "./support/symbols.ts";

function examine(session: Session, typed: readonly string[], space: AddressSpace): ExamineData {
  const { examine: state } = stateOf(session);
  const hasFormat = typed[0]?.startsWith("/") === true;
  const format = hasFormat ? parseExamine(typed[0], state.format) : { ...state.format, count: 1 };
  const expression = (hasFormat ? typed.slice(1) : typed).join(" ");
  const start = expression === "" ? state.next ?? codeAddress(session.vcpu) : addressOf(session, expression);
  const { data, next } = readAt(session, start, format, space);
  state.format = format;
  state.next = next;
  return data;
}

function examineCommand(name: "x" | "xp", space: AddressSpace, summary: string, note: string): Command {
  return defineCommand({
    name,
    group: "inspect",
    summary,
    description:
      `${name}/NFU ADDR: N units of size U (b 1, h 2, w 4, g 8 bytes) in format F: x hexadecimal, z the same
(for gdb's sake), d signed, u unsigned, o octal, t binary, f floating point, c character, a address with symbol, s string, i
instruction. Units are in the
guest's byte order. Format and size stay for the next ${name}, which alone goes on where the last one ended.
${note}`,
    suffix: "/",
    repeats: true,
    grammar: object({ words: words("ADDR") }),
    examples: name === "x"
      ? [
        { line: "x/4xb 0x1000", after: ["arch x86 32", "asm mov eax, 0x12345678"], shows: "0xb8" },
        { line: "x/fg 0x1000", after: ["arch x86", "writemem.q 0x1000 0x3ff8000000000000"], shows: "1.5" },
        { line: "x/2i 0x1000", after: ["arch ppc", "asm li r3, 5 ;; nop"], shows: "r3" },
      ]
      : [{ line: "xp/4xw 0", shows: "0x00000000:" }],
    complete: (session) => symbolNames(session),
    run: (session, { words }) => examine(session, words, space),
    print: printExamined,
  });
}

export const x = examineCommand(
  "x",
  "virtual",
  "show guest memory by address, as gdb does",
  "Addresses are what the guest's instructions use (see page); SEG:OFF is a real-mode address.",
);
export const xp = examineCommand(
  "xp",
  "physical",
  "show guest memory by physical address",
  "No address is translated.",
);

export interface DumpData {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export const dump = defineCommand({
  name: "hexdump",
  group: "inspect",
  summary: "show guest memory as bytes and characters",
  description:
    "hexdump [ADDR] [LENGTH]: LENGTH bytes (64) from ADDR, or from where the last one ended. As x reads them.",
  repeats: true,
  grammar: object({ address: maybeWord("ADDR"), length: maybeWord("LENGTH") }),
  examples: [{ line: "hexdump 0 16", shows: "|................|" }],
  run(session, { address, length }): DumpData {
    const { examine: state } = stateOf(session);
    const start = address === undefined
      ? state.next ?? codeAddress(session.vcpu)
      : addressOf(session, address);
    const count = length === undefined ? 64 : numberOf(session, length, "length", 1, 1 << 20);
    const bytes = readBytes(session, start, count);
    state.next = start + BigInt(count);
    return { address: start, bytes };
  },
  print: ({ address, bytes }) => hexdump(bytes, address).join("\n"),
});
