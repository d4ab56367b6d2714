/**
 * A Linux program that executes many instructions, each from registers and memory of its own, and writes out
 * what they leave: for `qemu-ppc` and `qemu-ppc64`, which run it as a process. Made with the project's own
 * assembler.
 */
import { assemble } from "../../../emulator/isa/assembler.ts";
import type { ByteOrder } from "../../../emulator/ir/ops.ts";
import { ppcEncoder } from "../../../emulator/ppc/encoder.ts";
import { wordBytes } from "../../../emulator/ppc/word.ts";
import { buildElf } from "../../support/elf_builder.ts";

/** What executes it. */
export interface Guest {
  readonly mode: 32 | 64;
  readonly order: ByteOrder;
}

/** What an instruction starts from or leaves. */
export interface Trial {
  /** r3 to r10. */
  readonly registers: readonly bigint[];
  readonly xer: bigint;
  readonly cr: bigint;
  readonly ctr: bigint;
  readonly fpscr: bigint;
  /** f3 to f6. */
  readonly floats: readonly bigint[];
  /** `MEMORY` bytes; r9 of a load or store points to their middle. */
  readonly memory: Uint8Array;
}

/** How the program prepares an instruction: `memory` sets r9, `count` puts the branch's target in CTR. */
export type Preparation = "plain" | "memory" | "count";

export interface ProgramCase {
  readonly word: number;
  readonly preparation: Preparation;
  readonly before: Trial;
}

export const MEMORY = 128;
/** Sixteen slots: the registers, then XER, CR, CTR, FPSCR, f3 to f6. */
const SLOTS = 16, MEMORY_AT = 8 * SLOTS, RECORD = MEMORY_AT + MEMORY;
/** Bytes that the ELF header and two program headers take: the first segment's place in the file. */
const HEADERS = { 32: 52 + 2 * 32, 64: 64 + 2 * 56 } as const;

/** Where the records are: the place in the file modulo a page, as the loader wants it. */
function dataAddress(mode: 32 | 64): bigint {
  return 0x1000_0000n + BigInt(HEADERS[mode]);
}

/** Where the program's r9 points for a load or store of case `index`. */
export function memoryBase(index: number, mode: 32 | 64): bigint {
  return dataAddress(mode) + BigInt(index * RECORD + MEMORY_AT + MEMORY / 2);
}

/** Instructions after the one under test: r8 tells whether it went on here or one further. */
export const FALL_THROUGH = { register: 8, value: 77n } as const;

function assembled(source: string, { mode, order }: Guest): Uint8Array {
  return assemble(source, { encoder: ppcEncoder(mode, order), origin: 0x1000n, order }).bytes;
}

/** Code before and after the word under test. r31 points to its record. */
function frame(guest: Guest, preparation: Preparation): [before: Uint8Array, after: Uint8Array] {
  const [load, store, low] = guest.mode === 32
    ? ["lwz", "stw", guest.order === "be" ? 4 : 0]
    : ["ld", "std", 0];
  const slot = (index: number) => `${8 * index + Number(low)}(r31)`;
  const each = (instruction: string) =>
    Array.from({ length: 8 }, (_, i) => `${instruction} r${3 + i}, ${slot(i)}`);
  const floats = (instruction: string) =>
    Array.from({ length: 4 }, (_, i) => `${instruction} f${3 + i}, ${8 * (12 + i)}(r31)`);
  const before = [
    ...[`lfd f0, ${8 * 11}(r31)`, "mtfsf 255, f0", ...floats("lfd")],
    ...[`${load} r11, ${slot(8)}`, "mtxer r11", `${load} r11, ${slot(9)}`, "mtcrf 255, r11"],
    ...[`${load} r11, ${slot(10)}`, "mtctr r11"],
    // LR, and CTR if asked for, name the second instruction after the one under test.
    ...["bl here", "here: mflr r11", "addi r11, r11, beyond - here", "mtlr r11"],
    ...preparation === "count" ? ["mtctr r11"] : [],
    ...each(load),
    ...preparation === "memory" ? [`addi r9, r31, ${MEMORY_AT + MEMORY / 2}`] : [],
    ...["beyond = . + 8"],
  ];
  const after = [
    `li r${FALL_THROUGH.register}, ${FALL_THROUGH.value}`,
    ...["mfctr r13", "mfxer r14", "mfcr r15", ...each(store)],
    ...[`${store} r14, ${slot(8)}`, `${store} r15, ${slot(9)}`, `${store} r13, ${slot(10)}`],
    ...[...floats("stfd"), "mffs f0", `stfd f0, ${8 * 11}(r31)`],
    `addi r31, r31, ${RECORD}`,
  ];
  return [assembled(before.join("\n"), guest), assembled(after.join("\n"), guest)];
}

/** The program as an ELF executable. Linux system calls: write is 4, exit 1. */
export function buildProgram(cases: readonly ProgramCase[], guest: Guest): Uint8Array {
  const { mode, order } = guest, little = order === "le";
  const size = cases.length * RECORD, dataAt = dataAddress(mode);
  const codeAt = 0x1100_0000n + BigInt((HEADERS[mode] + size) % 0x1_0000);
  const address = (register: string) =>
    `lis ${register}, ${dataAt}@h\nori ${register}, ${register}, ${dataAt}@l`;
  const start = assembled(address("r31"), guest);
  const end = assembled(
    `${address("r4")}\nlis r5, ${size}@h\nori r5, r5, ${size}@l
more: li r3, 1\nli r0, 4\nsc\nadd r4, r4, r3\nsubf. r5, r3, r5\nbne more\nli r3, 0\nli r0, 1\nsc`,
    guest,
  );
  const frames = new Map(
    (["plain", "memory", "count"] as const).map((preparation) => [preparation, frame(guest, preparation)]),
  );
  const pieces = cases.flatMap(({ word, preparation }) => {
    const [before, after] = frames.get(preparation) ?? [];
    if (!before || !after) throw new TypeError(`no frame for ${preparation}`);
    return [before, wordBytes(word, order), after];
  });
  const data = new Uint8Array(size), view = new DataView(data.buffer);
  cases.forEach(({ before }, index) => {
    const { registers, xer, cr, ctr, fpscr, floats, memory } = before;
    [...registers, xer, cr, ctr, fpscr, ...floats].forEach((value, at) => {
      view.setBigUint64(index * RECORD + 8 * at, value, little);
    });
    data.set(memory, index * RECORD + MEMORY_AT);
  });
  return buildElf({
    width: mode,
    order,
    machine: mode === 32 ? 20 : 21,
    entry: codeAt,
    // ABI version 2: the entry is code, not a function descriptor.
    flags: mode === 64 ? 2 : 0,
    segments: [
      { vaddr: dataAt, bytes: data, flags: 6 },
      { vaddr: codeAt, bytes: joined([start, ...pieces, end]), flags: 5 },
    ],
  });
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** What the program wrote: one trial per case. */
export function parseOutput(output: Uint8Array, count: number, { order }: Guest): Trial[] {
  if (output.length !== count * RECORD) {
    throw new RangeError(`the program wrote ${output.length} bytes, not ${count * RECORD}`);
  }
  const view = new DataView(output.buffer, output.byteOffset);
  return Array.from({ length: count }, (_, index) => {
    const slot = (at: number) => view.getBigUint64(index * RECORD + 8 * at, order === "le");
    const memoryAt = index * RECORD + MEMORY_AT;
    return {
      registers: Array.from({ length: 8 }, (_, at) => slot(at)),
      ...{ xer: slot(8), cr: slot(9), ctr: slot(10), fpscr: slot(11) },
      floats: Array.from({ length: 4 }, (_, at) => slot(12 + at)),
      memory: output.slice(memoryAt, memoryAt + MEMORY),
    };
  });
}
