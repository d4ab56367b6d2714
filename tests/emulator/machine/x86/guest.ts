/** Guests of the flat 32- and 64-bit modes that bring their own descriptor tables. */
import type { Guest } from "../../engine/executors.ts";

export type FlatMode = 32 | 64;
export const FLAT_MODES: readonly FlatMode[] = [32, 64];

/** Selectors of the table that every guest here loads. */
export const SELECTOR = {
  code: 0x08,
  data: 0x10,
  conforming: 0x18,
  absentData: 0x20,
  task: 0x28,
  based: 0x38,
  otherMode: 0x40,
  callGate: 0x48,
  absentCode: 0x58,
  localTable: 0x60,
  userData: 0x70,
  userCode: 0x78,
  readOnly: 0x80,
} as const;
/** Last byte of that table. */
export const GDT_LIMIT = 0x87;
/** What the stack pointer is when the guest's own code begins; of the TSS that of level 0, and interrupt stack 1. */
export const STACK = 0x9000n, STACK_0 = 0x9800n, STACK_1 = 0xa008n;

/** A gate: a label, and what differs from a present interrupt gate to the code segment. */
export interface Gate {
  readonly to: string;
  readonly type?: number;
  readonly selector?: number;
  readonly ist?: number;
}

/** Access byte of a present call gate that level 3 may use. */
const OPEN_GATE = 0xec00;

const quad = (low: bigint) => `.quad 0x${low.toString(16)}`;

function gdt(mode: FlatMode): string {
  // In 64-bit mode a system descriptor has 16 bytes: the upper half of its base, 0.
  const half = quad(0n);
  const code = (access: bigint) =>
    quad((mode === 64 ? 0x00af_0000_0000_ffffn : 0x00cf_0000_0000_ffffn) | access << 40n);
  const data = (access: bigint) => quad(0x00cf_0000_0000_ffffn | access << 40n);
  return [
    quad(0n),
    code(0x9an),
    data(0x92n),
    code(0x9en),
    data(0x12n),
    ".word 103, tss\n.byte 0, 0x89, 0, 0",
    half,
    quad(0x12cf_9234_5678_ffffn),
    mode === 64 ? quad(0x00cf_9a00_0000_ffffn) : quad(0x008f_9a00_0000_ffffn),
    `.word through, 8, ${OPEN_GATE}, 0`,
    half,
    code(0x1an),
    ".word 15, ldt\n.byte 0, 0x82, 0, 0",
    half,
    data(0xf2n),
    code(0xfan),
    data(0x90n),
  ].join("\n");
}

function idt(mode: FlatMode, gates: Readonly<Record<number, Gate>>): string {
  const lines: string[] = [];
  for (let vector = 0; vector <= 0x30; vector++) {
    const { to, type = 0x8e, selector = SELECTOR.code, ist = 0 } = gates[vector] ?? { to: "0", type: 0 };
    lines.push(`.word ${to}, ${selector}, ${type << 8 | ist}, 0`);
    if (mode === 64) lines.push(".quad 0");
  }
  return lines.join("\n");
}

/**
 * Loads the tables, sets the stack up and runs `code`, then HLT. `handlers` is further code. Both are written for 64-bit
 * mode with `R` for the letter that names a full register, as in `Rax`.
 */
export function flatGuest(
  mode: FlatMode,
  code: string,
  handlers = "",
  gates: Readonly<Record<number, Gate>> = {},
): Guest {
  const letter = mode === 64 ? "r" : "e", pointer = mode === 64 ? ".quad" : ".long";
  const source = `
    mov ebx, gdtr
    lgdt [Rbx]
    mov ebx, idtr
    lidt [Rbx]
    mov Rsp, ${STACK}
    mov ebx, 0
    ${code}
    hlt
    ${handlers}
    nop
  end_of_region:
  through: mov edi, 7
    hlt
    .align 16
  gdt: ${gdt(mode)}
  ldt: ${quad(0n)}
    ${quad(0x00cf_9200_0000_ffffn)}
  tss: .long 0, ${STACK_0}, ${mode === 64 ? 0 : SELECTOR.data}
    .space 24
    .quad ${STACK_1}
    .space 60
  idt: ${idt(mode, gates)}
  gdtr: .word ${GDT_LIMIT}
    ${pointer} gdt
  idtr: .word ${(0x31 * (mode === 64 ? 16 : 8)) - 1}
    ${pointer} idt
  room: .space 64`;
  const text = source.replaceAll(/\bR(?=[a-z0-9])/g, letter);
  return { source: text, mode };
}
