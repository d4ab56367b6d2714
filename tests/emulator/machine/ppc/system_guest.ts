/**
 * Guests that raise one interrupt after another and print what each left: vector, SRR0, SRR1, DAR, DSISR. The same image
 * runs here and on QEMU's system emulator.
 */

/** One thing to try. Registers 5 to 12 are the case's; `DATA` is its memory. */
export interface SystemCase {
  readonly name: string;
  readonly code: string;
  /** A register to print afterwards. */
  readonly print?: string;
}

export const MSR_BITS = {
  PR: 0x4000,
  FP: 0x2000,
  ME: 0x1000,
  FE0: 0x800,
  SE: 0x400,
  BE: 0x200,
  IR: 0x20,
  DR: 0x10,
};

/** Physical memory that cases may use, and a page table of 64 KiB. */
export const DATA = 0x2_0000, TABLE = 0x10_0000;

/** Where a system call stands, for cases that branch. */
export const LANDING = 0xf00;

const VECTORS = [0x300, 0x400, 0x600, 0x700, 0x800, 0xc00, 0xd00];

/** `register <- value`. */
export function set(register: string, value: number): string {
  return `lis ${register}, 0x${(value >>> 16).toString(16)}\nori ${register}, ${register}, 0x${
    (value & 0xffff).toString(16)
  }`;
}

/** Puts bits of the MSR beside ME. */
export function withMsr(bits: number): string {
  return `${set("r4", MSR_BITS.ME | bits)}\nmtmsr r4\nisync`;
}

/** Goes on at the next instruction of the case with these bits beside ME: problem state, mostly. */
export function enter(bits: number, label: string): string {
  return `lis r4, ${label}@h
    ori r4, r4, ${label}@l
    mtsrr0 r4
    ${set("r4", bits)}
    or r4, r4, r29
    mtsrr1 r4
    return
    ${label}:`;
}

export interface System {
  readonly mode: 32 | 64;
  /** Sends r3's low byte; may use r18 to r20. */
  readonly send: string;
  /** Ends the machine or waits. */
  readonly end: string;
  readonly start: string;
  readonly setUp: string;
}

/** An image for address 0. Harness registers are r16 and up. */
export function systemGuest(system: System, cases: readonly SystemCase[]): string {
  const { mode, send, end, start, setUp } = system;
  const digits = mode / 4;
  const vectors = VECTORS.map((vector) =>
    `.org 0x${vector.toString(16)}\nli r24, 0x${vector.toString(16)}\nb interrupted`
  );
  const body = cases.map(({ code, print }, index) =>
    `li r3, 10
    bl send
    li r3, ${index}
    bl number
    lis r30, after${index}@h
    ori r30, r30, after${index}@l
    ${code.replaceAll("#", String(index))}
    after${index}:
    mtmsr r29
    isync
    ${print ? `mr r3, ${print}\nbl number` : ""}`
  );
  const text = `.org 0x100
    ${start}
    ${vectors.join("\n")}
    .org 0x${LANDING.toString(16)}
    sc
    .org 0x1000
  send: ${send}
    blr
  number: # r3 in hexadecimal, and a blank
    mflr r21
    mr r22, r3
    li r23, ${digits}
  digit: ${mode === 32 ? "rlwinm r3, r22, 4, 28, 31\nslwi r22, r22, 4" : "srdi r3, r22, 60\nsldi r22, r22, 4"}
    cmpwi r3, 10
    blt decimal
    addi r3, r3, 39
  decimal: addi r3, r3, 48
    bl send
    addi r23, r23, -1
    cmpwi r23, 0
    bne digit
    li r3, 32
    bl send
    mtlr r21
    blr
  interrupted:
    mfsrr0 r25
    mfsrr1 r26
    mfdar r27
    mfdsisr r28
    cmpwi r24, 0x600
    bne told
    # QEMU has the two registers only.
    andi. r28, r28, 0x3ff
  told: mr r3, r24
    bl number
    mr r3, r25
    bl number
    mr r3, r26
    bl number
    mr r3, r27
    bl number
    mr r3, r28
    bl number
    li r3, 0
    mtdar r3
    mtdsisr r3
    mtsrr0 r30
    mtsrr1 r29
    return
  main:
    # ME by a return: QEMU's mtmsr leaves it alone in 32-bit processors too.
    lis r4, go@h
    ori r4, r4, go@l
    mtsrr0 r4
    mtsrr1 r29
    return
  go:
    ${setUp}
    ${body.join("\n")}
    li r3, 10
    bl send
    ${end}`;
  return text.replaceAll(/^\s*return$/gm, mode === 32 ? "rfi" : "rfid");
}
