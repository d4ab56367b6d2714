/** `writemem`, `loadmem`, `savemem`: guest memory from numbers, from a file and to one. */
import { object } from "@optique/core/constructs";
import { defineCommand } from "../command.ts";
import { hex } from "../reports/hexdump.ts";
import { readBytes } from "./support/examine_memory.ts";
import { fileNames } from "./support/files.ts";
import { word, words } from "./support/grammar.ts";
import { addressOf, numberOf, sizeOf, valueOf } from "./support/numbers.ts";
import { symbolNames } from "./support/symbols.ts";

/** What was written or read where. */
export interface MemoryData {
  readonly address: bigint;
  /** Bytes. */
  readonly length: number;
  readonly file?: string;
}

/** As `x` reads at most. */
const MOST = 1 << 28;

const ADDRESSES =
  "ADDR is an address of the guest's data, before translation. Read-only memory is written, too.";
const amount = (length: number) => `${length} byte${length === 1 ? "" : "s"}`;

export const writeMemory = defineCommand({
  name: "writemem",
  group: "inspect",
  summary: "write numbers to guest memory: writemem.b, .w, .l, .q",
  description:
    `writemem.l ADDR VALUE...: values of 1, 2, 4 or 8 bytes (1 without a letter) in the guest's byte order. ${ADDRESSES}`,
  suffix: ".",
  grammar: object({ words: words("ADDR VALUE", 2) }),
  examples: [
    { line: "writemem.l 0x2000 5 -1", after: ["arch x86"], shows: "8 bytes at 0x2000" },
    { line: "writemem 0x2000 0x90", after: ["arch ppc"], shows: "1 byte at 0x2000" },
  ],
  complete: symbolNames,
  run(session, { words }): MemoryData {
    const { vm, vcpu } = session, given = words[0].startsWith(".") ? words[0].slice(1) : "b";
    const [place, ...values] = words[0].startsWith(".") ? words.slice(1) : words;
    const size = sizeOf(given), little = vm.isa.order === "le";
    if (values.length === 0) throw new SyntaxError("writemem wants a value (example: writemem.l 0x2000 5)");
    const address = addressOf(session, place), view = new DataView(new ArrayBuffer(8));
    const bytes = new Uint8Array(size * values.length);
    values.forEach((text, i) => {
      view.setBigUint64(0, valueOf(session, text, size, "value"), little);
      const low = new Uint8Array(view.buffer).slice(...little ? [0, size] : [8 - size, 8]);
      bytes.set(low, i * size);
    });
    vcpu.writeMemory(address, bytes);
    return { address, length: bytes.length };
  },
  print: ({ address, length }) => `${amount(length)} at ${hex(address)}`,
});

export const loadMemory = defineCommand({
  name: "loadmem",
  group: "inspect",
  summary: "write a file's bytes to guest memory",
  description: `Nothing else changes: load brings a guest, with its symbols and its entry. ${ADDRESSES}`,
  grammar: object({ file: word("FILE"), address: word("ADDR") }),
  examples: [{ line: "loadmem data.bin 0x2000" }],
  complete: (session, typed) => typed.length < 2 ? fileNames(typed.at(-1) ?? "") : symbolNames(session),
  async run(session, { file, address }): Promise<MemoryData> {
    const at = addressOf(session, address), bytes = await Deno.readFile(file);
    session.vcpu.writeMemory(at, bytes);
    return { address: at, length: bytes.length, file };
  },
  print: ({ file, address, length }) => `${file}: ${amount(length)} at ${hex(address)}`,
});

export const saveMemory = defineCommand({
  name: "savemem",
  aliases: ["memsave"],
  group: "inspect",
  summary: "write guest memory to a file",
  description: "LENGTH bytes from ADDR, an address of the guest's data, before translation.",
  grammar: object({ file: word("FILE"), address: word("ADDR"), length: word("LENGTH") }),
  examples: [{ line: "savemem data.bin 0x2000 4096" }],
  complete: (session, typed) => typed.length < 2 ? fileNames(typed.at(-1) ?? "") : symbolNames(session),
  async run(session, { file, address, length }): Promise<MemoryData> {
    const at = addressOf(session, address), count = numberOf(session, length, "length", 1, MOST);
    await Deno.writeFile(file, readBytes(session, at, count));
    return { address: at, length: count, file };
  },
  print: ({ file, address, length }) => `${file}: ${amount(length)} from ${hex(address)}`,
});
