/** `asm` and `disasm`: text to code and back. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { hex } from "../reports/hexdump.ts";
import { listing, type ListingLine } from "../reports/listing.ts";
import { after, codeAddress, codeAt } from "./support/code.ts";
import { fileNames } from "./support/files.ts";
import { maybeWord, words } from "./support/grammar.ts";
import { addressOf, numberOf } from "./support/numbers.ts";
import { stateOf } from "./support/state.ts";
import { symbolNames } from "./support/symbols.ts";

/** Stands for a line break in a line of `asm`: `;` is taken, it begins a comment. */
const SEPARATOR = ";;";

/** Where the first `asm` goes: above the real-mode vectors, below everything that images use. */
const FIRST = 0x1000n;

export interface CodeData {
  readonly pc: bigint;
  readonly lines: readonly ListingLine[];
}

function printCode({ pc, lines }: CodeData): string {
  return listing(lines, { pc }).join("\n");
}

export const asm = defineCommand({
  name: "asm",
  group: "machine",
  summary: "assemble a line or a file into guest memory",
  description:
    `asm [at ADDR] TEXT assembles TEXT, in which ${SEPARATOR} stands for a line break; asm [at ADDR] FILE assembles
a file that ends in .s or .asm. The code goes to ADDR, or behind what asm assembled last, at first to
0x1000. If nothing is loaded yet, the program counter is set to it. Labels become symbols, and earlier ones can be used.`,
  grammar: object({ words: words("TEXT", 1) }),
  raw: true,
  examples: [
    { line: "asm mov eax, 1 ;; out 0x80, al ;; hlt", after: ["arch x86 32"], shows: "out" },
    { line: "asm at 0x2000 li r3, 5", after: ["arch ppc"], shows: "0x00002000" },
  ],
  complete: (_session, typed) => fileNames(typed.at(-1) ?? ""),
  async run(session, { words }): Promise<CodeData> {
    const state = stateOf(session);
    let text = words.join(" ");
    let at = state.assembleAt ?? FIRST;
    if (words[0] === "at") {
      if (words.length < 3) {
        throw new SyntaxError(`"asm at" wants an address and then the text: asm at 0x1000 nop`);
      }
      at = addressOf(session, words[1]);
      text = words.slice(2).join(" ");
    }
    const isFile = /^\S+\.(s|asm)$/i.test(text);
    const source = isFile
      ? await Deno.readTextFile(text)
      : text.split(SEPARATOR).map((l) => l.trim()).join("\n");
    return await assembleInto(session, source, at);
  },
  print: printCode,
});

async function assembleInto(session: Session, source: string, at: bigint): Promise<CodeData> {
  const { vm } = session;
  const state = stateOf(session);
  const { assemble } = await import("../../emulator/isa/assembler.ts");
  // Unlike vm.assemble(), with the labels of earlier lines.
  const program = assemble(source, {
    encoder: vm.encoder,
    origin: at,
    order: vm.isa.order,
    symbols: vm.symbols.values(),
  });
  const pc = vm.vcpu.pc;
  const { entry } = vm.load(program);
  if (state.entry !== undefined) vm.vcpu.pc = pc;
  state.entry ??= entry;
  const end = program.origin + BigInt(program.bytes.length);
  state.assembleAt = end;
  const lines: ListingLine[] = [];
  // One at a time: data among the code must not run over the program's end.
  for (let next = program.origin; next < end;) {
    const [line] = codeAt(vm, next, 1);
    if (line === undefined) break;
    const size = Math.max(1, line.bytes.length);
    const inside = next + BigInt(size) <= end;
    const bytes = inside ? line.bytes : program.bytes.subarray(Number(next - program.origin));
    lines.push(inside ? line : { ...line, bytes, text: "(data)" });
    next += BigInt(size);
  }
  return { pc: codeAddress(session.vcpu), lines };
}

/** Instructions that `disasm` shows where no count is given. */
const SHOWN = 10;

export const disasm = defineCommand({
  name: "disasm",
  aliases: ["u"],
  group: "inspect",
  summary: "disassemble guest memory",
  description:
    "disasm [ADDR] [COUNT]: from ADDR, or the program counter, COUNT instructions (10). Alone it goes on.",
  grammar: object({ address: maybeWord("ADDR"), count: maybeWord("COUNT") }),
  repeats: true,
  examples: [{ line: "disasm 0x1000 2", after: ["arch x86 32", "asm mov eax, 1 ;; hlt"], shows: "mov" }],
  complete: (session) => symbolNames(session),
  run(session, { address, count }): CodeData {
    const { vm } = session;
    const state = stateOf(session);
    const start = address === undefined
      ? state.disassembleNext ?? codeAddress(session.vcpu)
      : addressOf(session, address);
    const lines = codeAt(
      vm,
      start,
      count === undefined ? SHOWN : numberOf(session, count, "count", 1, 4096),
      session.vcpu,
    );
    if (lines.length === 0) throw new RangeError(`there is no memory at ${hex(start)} to disassemble`);
    state.disassembleNext = after(lines, start);
    return { pc: codeAddress(session.vcpu), lines };
  },
  print: printCode,
});
