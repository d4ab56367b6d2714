/**
 * A 32-bit processor's interrupts, blocks, segments and pages. Left out, as QEMU 7.2 does not do what the manuals say:
 * unknown SPRs in problem state and SPR 5 (Programming Environments Manual, `mfspr`: illegal; QEMU: privileged); a
 * misaligned stwcx. without a reservation (6.4.6: an alignment interrupt; QEMU looks at the reservation first); a
 * misaligned lmw (750 User's Manual 4.5.6: an alignment interrupt; QEMU: none); mtmsr of ME (QEMU: not written).
 */
import { DATA, enter, LANDING, MSR_BITS, set, type SystemCase, TABLE, withMsr } from "./system_guest.ts";

const { PR, FP, FE0, SE, BE, IR, DR } = MSR_BITS;

/** VSID, page, and the second word of its entry. */
interface Entry {
  readonly vsid: number;
  readonly page: number;
  readonly second: number;
  readonly secondHash?: true;
}

const SECOND_WORD = { writable: 2, readOnly: 3, keyed: 0, keyedReadOnly: 1 };

const ENTRIES: readonly Entry[] = [
  { vsid: 0x123, page: 1, second: 0x5_0000 | SECOND_WORD.writable },
  { vsid: 0x123, page: 2, second: 0x5_1000 | SECOND_WORD.readOnly },
  { vsid: 0x123, page: 3, second: 0x5_2000 | SECOND_WORD.keyed },
  { vsid: 0x123, page: 4, second: 0x5_3000 | SECOND_WORD.keyedReadOnly },
  { vsid: 0x123, page: 5, second: 0x5_4000 | SECOND_WORD.writable, secondHash: true },
  // Code: the first page of the image.
  { vsid: 0x123, page: 8, second: 0x0_0000 | SECOND_WORD.writable },
  { vsid: 0x456, page: 8, second: 0x0_0000 | SECOND_WORD.writable },
  { vsid: 0x789, page: 1, second: 0x5_0000 | SECOND_WORD.keyed },
];

/** Programming Environments Manual 7.6.1.3, for a table of 64 KiB. */
function addressOf({ vsid, page, secondHash }: Entry): number {
  const hash = vsid & 0x7_ffff ^ page;
  return TABLE | ((secondHash ? ~hash : hash) & 0x3ff) << 6;
}

function install(entry: Entry, index: number): string {
  const first = (0x8000_0000 | entry.vsid << 7 | (entry.secondHash ? 0x40 : 0) | entry.page >> 10) >>> 0;
  // Not the group's first entry, and two that share a group apart.
  return `${set("r5", addressOf(entry) + 8 * (index % 8))}
    ${set("r6", first)}
    stw r6, 0(r5)
    ${set("r6", entry.second)}
    stw r6, 4(r5)`;
}

/** Upper and lower words by register number. QEMU has one TLB for instructions and data: no address is two blocks. */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  528: [0x0000_1fff, 0x0000_0002],
  530: [0x4800_0003, 0x0000_0002],
  532: [0x5000_0003, 0x0000_0000],
  534: [0, 0],
  536: [0x0000_1fff, 0x0000_0002],
  538: [0x4000_0002, DATA | 1],
  540: [0x5000_0005, 0x0004_0002],
  542: [0x6000_0003, 0],
};

const setUp = [
  ...Object.entries(BLOCKS).flatMap(([number, words]) =>
    words.map((word, index) => `${set("r5", word)}\nmtspr ${+number + index}, r5`)
  ),
  `${set("r5", TABLE)}\nmtspr 25, r5`,
  ...Array.from({ length: 16 }, (_, index) => {
    const own: Readonly<Record<number, number>> = { 7: 0x2000_0123, 8: 0x1000_0456, 9: 0x6000_0789 };
    return `${set("r5", own[index] ?? index)}\nmtsr ${index}, r5`;
  }),
  ...ENTRIES.map(install),
  "sync\nisync",
].join("\n");

export const SYSTEM_32 = {
  mode: 32,
  /** The PReP board's first serial port; waits until the transmitter is empty. */
  send: `${set("r18", 0x8000_03f8)}
    wait: lbz r19, 5(r18)
    andi. r19, r19, 0x20
    beq wait
    stb r3, 0(r18)`,
  end: "stop: b stop",
  // In ROM: the image is copied to where it is written for.
  start: `li r29, 0x1000
    mtmsr r29
    lis r4, 0xfff0
    li r5, 0
    li r6, 0x4000
  copy: lwzx r7, r4, r5
    stw r7, 0(r5)
    addi r5, r5, 4
    cmpw r5, r6
    blt copy
    ba main`,
  setUp,
} as const;

/** A load or store at an address with data translated. */
const reach = (name: string, instruction: string, address: number, print?: string, bits = 0): SystemCase => ({
  name,
  code: `${set("r5", address)}\n${withMsr(DR | bits)}\n${instruction}`,
  print,
});
/** The same in problem state, code in the first block. */
const problem = (name: string, instruction: string, address: number): SystemCase => ({
  name,
  code: `${set("r5", address)}\n${enter(PR | IR | DR, "user#")}\n${instruction}\nsc`,
});
/** Branches to an address with instructions translated. */
const fetch = (name: string, address: number, bits = IR): SystemCase => ({
  name,
  code: `${set("r5", address)}
    mtctr r5
    ${withMsr(bits)}
    bctr`,
});

export const CASES_32: readonly SystemCase[] = [
  { name: "sc", code: "sc" },
  { name: "trap", code: "nop\ntrap" },
  { name: "twi that holds", code: "li r5, -1\ntweqi r5, -1" },
  { name: "word 0", code: ".long 0" },
  { name: "an instruction of 64-bit processors", code: ".long 0xe8610000" },
  { name: "an unassigned extended opcode", code: ".long 0x7c0003fe" },
  { name: "mfmsr in problem state", code: `${enter(PR, "user#")}\nmfmsr r5` },
  { name: "rfi in problem state", code: `${enter(PR, "user#")}\nrfi` },
  { name: "mtsr in problem state", code: `${enter(PR, "user#")}\nmtsr 3, r5` },
  { name: "tlbie in problem state", code: `${enter(PR, "user#")}\ntlbie r5` },
  { name: "mfspr DAR in problem state", code: `${enter(PR, "user#")}\nmfdar r5` },
  { name: "mtspr IBAT0U in problem state", code: `${enter(PR, "user#")}\nmtspr 528, r5` },
  { name: "an unknown SPR, privileged, in problem state", code: `${enter(PR, "user#")}\nmfspr r5, 55` },
  { name: "an unknown SPR", code: "li r5, 7\nmfspr r5, 100", print: "r5" },
  { name: "an unknown SPR, privileged", code: "li r5, 7\nmfspr r5, 55\nmtspr 55, r5", print: "r5" },
  { name: "sc in problem state", code: `${enter(PR, "user#")}\nsc` },
  { name: "floating point unavailable", code: "fadd f1, f2, f3" },
  { name: "lfd unavailable", code: `${set("r5", DATA)}\nlfd f1, 0(r5)` },
  {
    name: "an enabled exception",
    // 1 / 0 with ZE.
    code: `${set("r5", DATA)}
      lis r6, 0x3ff0
      li r7, 0
      stw r6, 0(r5)
      stw r7, 4(r5)
      stw r7, 8(r5)
      stw r7, 12(r5)
      ${withMsr(FP | FE0)}
      lfd f2, 0(r5)
      lfd f3, 8(r5)
      mtfsb1 27
      fdiv f1, f2, f3`,
  },
  { name: "and quiet again", code: `${withMsr(FP)}\nmtfsfi 6, 0\nmtfsb0 5\nmffs f1` },
  { name: "lwarx misaligned", code: `${set("r5", DATA + 2)}\nlwarx r6, 0, r5` },
  { name: "a step", code: `${withMsr(SE)}\nnop` },
  { name: "a step over a branch", code: `${withMsr(SE)}\nb over#\nnop\nover#: nop` },
  { name: "a branch", code: `${withMsr(BE)}\nnop\nli r6, 1\nb over#\nnop\nover#: nop` },
  {
    name: "a branch that is not taken",
    code: `${withMsr(BE)}\nnop\ncmpwi r5, 0\nbdnz over#\nnop\nover#: nop`,
  },
  { name: "a step with instructions translated", code: `${withMsr(SE | IR)}\nsc` },
  { name: "no step after sc", code: `${enter(SE, "traced#")}\nsc` },
  { name: "a step after rfi", code: `${enter(SE, "traced#")}\naddi r5, r5, 1` },
  { name: "a step that is a fault", code: `${enter(SE, "traced#")}\n.long 0` },
  {
    name: "a branch in problem state",
    code: `${enter(BE | PR, "traced#")}\nli r5, 1\nb over#\nnop\nover#: sc`,
  },
  // Blocks.
  reach("a block, read only: load", "lwz r6, 0(r5)", 0x4000_0000, "r6"),
  reach("a block, read only: store", "stw r6, 8(r5)", 0x4000_0004),
  reach("a block, read only: dcbz", "dcbz 0, r5", 0x4000_0044),
  reach("a block's last byte, then the next", "lwz r6, 0(r5)", 0x4001_fffd),
  reach("a block's last byte, then the next: store", "stw r6, 0(r5)", 0x5003_fffe),
  reach("a block without rights: load", "lbz r6, 3(r5)", 0x6000_0000),
  reach("a block without rights: store", "stb r6, 3(r5)", 0x6000_0000),
  reach("problem state's block in supervisor state", "lwz r6, 4(r5)", 0x5000_0000),
  problem("problem state's block", "stw r5, 4(r5)\nlwz r6, 4(r5)", 0x5002_0000),
  problem("supervisor state's block in problem state", "lwz r6, 4(r5)", 0x4000_0000),
  { name: "what went through the block", code: `${set("r5", 0x6_0004)}\nlwz r6, 0(r5)`, print: "r6" },
  fetch("a block of code", 0x4800_0000 + LANDING),
  fetch("a block of code without rights", 0x5000_1000),
  fetch("no block of code, no page", 0x3000_1000),
  // Segments and pages.
  reach("no page: load", "lwz r6, 0x10(r5)", 0x3000_1000),
  reach("no page: store", "sth r6, 0x10(r5)", 0x3000_1000),
  reach("no page: stmw", "stmw r25, 0(r5)", 0x3000_0ffc),
  reach("no page: lmw, the second page", "lmw r28, 0(r5)", 0x7000_2ff8 + 0x3000),
  reach("no page: lswi, the second page", "lswi r6, r5, 12", 0x7000_5ffa),
  reach("no page: lfd", "lfd f1, 0(r5)", 0x3000_1000, undefined, FP),
  reach("no page: lwarx", "lwarx r6, 0, r5", 0x3000_1000),
  reach("no page: lwzu", "li r6, 7\nlwzu r6, 8(r5)", 0x3000_1000, "r5"),
  reach("no page: stwux", "li r6, 8\nstwux r6, r5, r6", 0x3000_1000, "r5"),
  reach("no page: dcbz", "dcbz 0, r5", 0x3000_1020),
  ...["dcbf", "dcbst", "icbi"].map((name) => reach(`no page: ${name}`, `${name} 0, r5`, 0x3000_1020)),
  reach("no page: dcbt", "dcbt 0, r5", 0x3000_1024, "r5"),
  reach("a page: store, load", "stw r5, 0x10(r5)\nlwz r6, 0x10(r5)", 0x7000_1000, "r6"),
  { name: "what went to the page", code: `${set("r5", 0x5_0010)}\nlwz r6, 0(r5)`, print: "r6" },
  reach("a page, read only: load", "lwz r6, 0(r5)", 0x7000_2000, "r6"),
  reach("a page, read only: store", "stw r6, 0(r5)", 0x7000_2004),
  reach("a page by the second hash", "lwz r6, 0(r5)", 0x7000_5000, "r6"),
  problem("a page whose key is 1: load", "lwz r6, 0(r5)", 0x7000_3008),
  problem("a page whose key is 1, read only: load", "lwz r6, 0(r5)", 0x7000_4008),
  problem("a page whose key is 1, read only: store", "stw r6, 0(r5)", 0x7000_4008),
  reach("a page whose key is 1 in supervisor state", "lwz r6, 0(r5)", 0x9000_1008),
  reach("across two pages, the second missing", "lwz r6, 0(r5)", 0x7000_5ffe),
  reach("across two pages, the second missing: store", "stw r6, 0(r5)", 0x7000_5fff),
  reach("across two pages, the second read only: store", "stw r6, 0(r5)", 0x7000_1ffe),
  fetch("code by pages", 0x7000_8000 + LANDING),
  fetch("a segment without execution", 0x8000_8000 + LANDING),
  fetch("code by pages, without a page", 0x7000_9000),
  // Referenced and changed bits.
  ...ENTRIES.map((entry, index): SystemCase => ({
    name: `page table entry ${index}`,
    code: `${set("r5", addressOf(entry) + 8 * (index % 8))}\nlwz r6, 4(r5)`,
    print: "r6",
  })),
  { name: "mfsrin", code: `${set("r5", 0x9123_4567)}\nmfsrin r6, r5`, print: "r6" },
  { name: "mtsrin", code: `${set("r5", 0xa123_4567)}\nmtsrin r5, r5\nmfsr r6, 10`, print: "r6" },
  { name: "a block's registers", code: "mfspr r6, 540\nmfspr r7, 541\nadd r6, r6, r7", print: "r6" },
];
