/** `x` and `xp`: memory in gdb's formats. */
import { object } from "@optique/core/constructs";
import { type Command, defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { hex, hexdump } from "../reports/hexdump.ts";
import { listing, type ListingLine } from "../reports/listing.ts";
import { after, codeAddress, codeAt } from "./support/code.ts";
import {
  type ExamineFormat,
  parseExamine,
  readUnit,
  showUnit,
  unitsPerLine,
} from "./support/examine_format.ts";
import { maybeWord, words } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";
import { nameOf, symbolNames } from "./support/symbols.ts";

/** What `x` found. `value` is unsigned. */
export type ExamineData =
  | {
    readonly kind: "units";
    readonly format: ExamineFormat;
    readonly units: readonly { readonly address: bigint; readonly value: bigint; readonly symbol?: string }[];
  }
  | {
    readonly kind: "strings";
    readonly strings: readonly { readonly address: bigint; readonly text: string }[];
  }
  | { readonly kind: "code"; readonly pc: bigint; readonly lines: readonly ListingLine[] };

/** A string without an end is cut here. */
const LONGEST = 1024;

function examine(session: Session, typed: readonly string[]): ExamineData {
  const { examine: state } = stateOf(session);
  const hasFormat = typed[0]?.startsWith("/") === true;
  const format = hasFormat ? parseExamine(typed[0], state.format) : { ...state.format, count: 1 };
  const expression = (hasFormat ? typed.slice(1) : typed).join(" ");
  const start = expression === "" ? state.next ?? codeAddress(session.vcpu) : addressOf(session, expression);
  const { data, next } = readAt(session, start, format);
  state.format = format;
  state.next = next;
  return data;
}

function readAt(session: Session, start: bigint, format: ExamineFormat): { data: ExamineData; next: bigint } {
  const { vm } = session;
  if (format.letter === "i") {
    const lines = codeAt(vm, start, format.count);
    return { data: { kind: "code", pc: codeAddress(session.vcpu), lines }, next: after(lines, start) };
  }
  if (format.letter === "s") {
    const strings: { address: bigint; text: string }[] = [];
    let next = start;
    for (let i = 0; i < format.count; i++) {
      const bytes = stringAt(session, next);
      strings.push({ address: next, text: new TextDecoder().decode(bytes) });
      next += BigInt(bytes.length + 1);
    }
    return { data: { kind: "strings", strings }, next };
  }
  const bytes = vm.memory.read(start, format.count * format.unit);
  const units = Array.from({ length: format.count }, (_, i) => {
    const value = readUnit(bytes, i * format.unit, format.unit, vm.isa.order);
    const symbol = format.letter === "a" ? nameOf(vm, value) : undefined;
    return { address: start + BigInt(i * format.unit), value, ...(symbol !== undefined && { symbol }) };
  });
  return { data: { kind: "units", format, units }, next: start + BigInt(bytes.length) };
}

function stringAt(session: Session, start: bigint): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < LONGEST) {
    const [byte] = session.vm.memory.read(start + BigInt(bytes.length), 1);
    if (byte === 0) break;
    bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

function printExamined(data: ExamineData): string {
  switch (data.kind) {
    case "code":
      return listing(data.lines, { pc: data.pc }).join("\n");
    case "strings":
      return data.strings.map(({ address, text }) => `${hex(address, 8)}:  ${JSON.stringify(text)}`).join(
        "\n",
      );
    case "units": {
      const perLine = data.format.letter === "a" ? 1 : unitsPerLine(data.format);
      const lines: string[] = [];
      for (let i = 0; i < data.units.length; i += perLine) {
        const units = data.units.slice(i, i + perLine);
        const texts = units.map(({ value, symbol }) =>
          showUnit(value, data.format) + (symbol === undefined ? "" : ` <${symbol}>`)
        );
        lines.push(`${hex(units[0].address, 8)}:  ${texts.join("  ")}`.trimEnd());
      }
      return lines.join("\n");
    }
  }
}

function examineCommand(name: "x" | "xp", summary: string, note: string): Command {
  return defineCommand({
    name,
    group: "inspect",
    summary,
    description:
      `${name}/NFU ADDR: N units of size U (b 1, h 2, w 4, g 8 bytes) in format F: x hexadecimal, d signed, u
unsigned, o octal, t binary, c character, a address with symbol, s string, i instruction. Units are in the
guest's byte order. Format and size stay for the next ${name}, which alone goes on where the last one ended.
${note}`,
    suffix: "/",
    repeats: true,
    grammar: object({ words: words("ADDR") }),
    examples: name === "x"
      ? [
        { line: "x/4xb 0x1000", after: ["arch x86 32", "asm mov eax, 0x12345678"], shows: "0xb8" },
        { line: "x/2i 0x1000", after: ["arch ppc", "asm li r3, 5 ;; nop"], shows: "r3" },
      ]
      : [{ line: "xp/4xw 0", shows: "0x00000000:" }],
    complete: (session) => symbolNames(session),
    run: (session, { words }) => examine(session, words),
    print: printExamined,
  });
}

export const x = examineCommand(
  "x",
  "show guest memory by address, as gdb does",
  "The guests here run without paging, so a virtual address is a physical one; SEG:OFF is a real-mode address.",
);
export const xp = examineCommand("xp", "show guest memory by physical address", "No address is translated.");

export interface DumpData {
  readonly address: bigint;
  readonly bytes: Uint8Array;
}

export const dump = defineCommand({
  name: "hexdump",
  group: "inspect",
  summary: "show guest memory as bytes and characters",
  description: "hexdump [ADDR] [LENGTH]: LENGTH bytes (64) from ADDR, or from where the last one ended.",
  repeats: true,
  grammar: object({ address: maybeWord("ADDR"), length: maybeWord("LENGTH") }),
  examples: [{ line: "hexdump 0 16", shows: "|................|" }],
  run(session, { address, length }): DumpData {
    const { examine: state } = stateOf(session);
    const start = address === undefined
      ? state.next ?? codeAddress(session.vcpu)
      : addressOf(session, address);
    const count = length === undefined ? 64 : numberOf(session, length, "length", 1, 1 << 20);
    const bytes = session.vm.memory.read(start, count);
    state.next = start + BigInt(count);
    return { address: start, bytes };
  },
  print: ({ address, bytes }) => hexdump(bytes, address).join("\n"),
});
