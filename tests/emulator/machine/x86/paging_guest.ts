/**
 * A guest that touches one page again and again, each time with other table entries, and tells through port 0xe9 what
 * came of it: for QEMU (as a Multiboot kernel) and for this project's own machine alike.
 */
import { assemble } from "../../../../emulator/isa/assembler.ts";
import { x86Encoder } from "../../../../emulator/x86/encoder.ts";

export const LOAD_AT = 0x10_0000, DEBUG_PORT = 0xe9, EXIT_PORT = 0x501;

/** The first instruction: after the Multiboot header. */
export const ENTRY = BigInt(LOAD_AT + 32);

export type FormatName = "32-bit" | "32-bit with PSE" | "PAE" | "4-level";

export interface Format {
  readonly name: FormatName;
  readonly noExecute: boolean;
}

export interface Case {
  readonly reach: "load" | "store" | "fetch";
  readonly user: boolean;
  /** CR0.WP. */
  readonly protect: boolean;
  /** From the outermost: as many as `entriesOf` says. */
  readonly entries: readonly bigint[];
}

export interface Outcome {
  /** The error code of a page fault, or undefined where there was none. */
  readonly code?: number;
  readonly cr2: bigint;
  /** What was loaded. */
  readonly value: number;
  readonly entries: readonly bigint[];
}

/** Where the page is, its entries' places from the outermost, and tables that never change. */
interface Layout {
  readonly linear: bigint;
  readonly places: readonly number[];
  readonly size: 4 | 8;
  readonly cr4: number;
  readonly fixed: readonly (readonly [place: number, value: bigint])[];
}

/** The innermost table, and tables of the first 4 MiB, where the guest itself is: for everyone, accessed and dirty. */
const LINK = 0x67n, TABLES = 0x20_0000, IDENTITY = TABLES + 0x1_0000;
/** Four pages that are touched; the second half of a 2 MiB page. */
export const PAGES = 0x30_0000;

function identity(size: 4 | 8): [number, bigint][] {
  return Array.from({ length: 1024 }, (_, i) => [IDENTITY + i * size, BigInt(i * 4096) | LINK]);
}
const table = (n: number) => TABLES + n * 0x1000;

function layoutOf(name: FormatName): Layout {
  switch (name) {
    case "32-bit":
    case "32-bit with PSE":
      return {
        linear: 0x70_0000n,
        places: [table(0) + 4, table(1) + 0x300 * 4],
        size: 4,
        cr4: name === "32-bit" ? 0 : 0x10,
        fixed: [[table(0), BigInt(IDENTITY) | LINK], ...identity(4)],
      };
    case "PAE":
      return {
        linear: 0x50_0000n,
        places: [table(1) + 16, table(2) + 0x100 * 8],
        size: 8,
        cr4: 0x20,
        fixed: [
          [table(0), BigInt(table(1)) | 1n],
          [table(1), BigInt(IDENTITY) | LINK],
          [table(1) + 8, BigInt(IDENTITY + 0x1000) | LINK],
          ...identity(8),
        ],
      };
    case "4-level":
      return {
        linear: 0x80_4030_0000n,
        places: [table(0) + 8, table(3) + 8, table(4) + 8, table(5) + 0x100 * 8],
        size: 8,
        cr4: 0x20,
        fixed: [
          [table(0), BigInt(table(1)) | LINK],
          [table(1), BigInt(table(2)) | LINK],
          [table(2), BigInt(IDENTITY) | LINK],
          [table(2) + 8, BigInt(IDENTITY + 0x1000) | LINK],
          ...identity(8),
        ],
      };
  }
}

/** The tables that the entries of a format lead to, the frame of the page left to the case. */
export function linksOf(name: FormatName): readonly bigint[] {
  const { places } = layoutOf(name);
  return places.slice(1).map((place) => BigInt(place - place % 0x1000));
}

const KINDS = ["load", "store", "fetch"] as const;
const ENTRIES = 4, RECORD = 16 + 8 * ENTRIES, RESULT = 16 + 8 * ENTRIES;

/** The code after paging is on; `R` is the letter of a full register. */
function body(cases: number, { linear, places, size }: Layout): string {
  const move = (from: string, to: string, i: number) =>
    Array.from({ length: size / 4 }, (_, half) =>
      `mov eax, [${from}+${8 * i + 4 * half}]
      mov [${to}+${4 * half}], eax`).join("\n");
  return `
    mov Rsi, records
    mov ebp, ${cases}
  next:
    ${places.map((place, i) => move("Rsi+16", `${place}`, i).replaceAll("+16+", "+16+")).join("\n")}
    mov Rax, cr3
    mov cr3, Rax
    mov Rax, cr0
    btr eax, 16
    test dword ptr [Rsi], 8
    jz unprotected
    bts eax, 16
  unprotected:
    mov cr0, Rax
    mov dword ptr [result], -1
    mov dword ptr [result+4], 0
    mov dword ptr [result+8], 0
    mov dword ptr [result+12], 0
    mov Rbx, ${linear}
    mov [saved], Rsp
    mov eax, ebp
    shl eax, 8
    or eax, 0xc3
    mov ecx, [Rsi]
    test ecx, 4
    jnz as_user
    and ecx, 3
    cmp ecx, 1
    je store
    ja fetch
    mov eax, [Rbx]
    mov [result+4], eax
    jmp done
  store:
    mov [Rbx], eax
    jmp done
  fetch:
    call Rbx
    jmp done
  as_user:
    and ecx, 3
    push 0x23
    push user_stack
    push 2
    push 0x1b
    mov edx, user_load
    cmp ecx, 1
    jb leave
    mov edx, user_store
    je leave
    mov edx, user_fetch
  leave:
    push Rdx
    Iret
  user_load:
    mov eax, [Rbx]
    int 0x80
  user_store:
    mov [Rbx], eax
    int 0x80
  user_fetch:
    call Rbx
    int 0x80
  system_call:
    mov [result+4], eax
    mov Rsp, [saved]
    jmp done
  page_fault:
    pop Rax
    mov [result], eax
    mov Rax, cr2
    mov [result+8], Rax
    mov Rsp, [saved]
  done:
    ${places.map((place, i) => entryOut(place, i, size)).join("\n")}
    mov Rdi, result
    mov ecx, ${RESULT}
  out:
    mov al, [Rdi]
    out ${DEBUG_PORT}, al
    inc Rdi
    dec ecx
    jnz out
    add Rsi, ${RECORD}
    dec ebp
    jnz next
    mov dx, ${EXIT_PORT}
    mov al, 0x10
    out dx, al
    hlt`;
}

function entryOut(place: number, i: number, size: 4 | 8): string {
  return Array.from({ length: size / 4 }, (_, half) =>
    `mov eax, [${place + 4 * half}]
    mov [result+${16 + 8 * i + 4 * half}], eax`).join("\n");
}

const quad = (value: bigint) => `.quad 0x${value.toString(16)}\n`;
const flat = (access: bigint, long: boolean) =>
  (long ? 0xaf_0000_0000_ffffn : 0xcf_0000_0000_ffffn) | access << 40n;

function data(long: boolean): string {
  const gate = (to: string, access: number) =>
    `.word ${to}-${LOAD_AT}, 8, ${access << 8}, ${LOAD_AT >> 16}\n${long ? ".quad 0\n" : ""}`;
  const none = long ? ".quad 0, 0\n" : ".quad 0\n";
  return `
    .align 16
  gdt: ${quad(0n)} ${quad(flat(0x9bn, long))} ${quad(flat(0x93n, false))} ${quad(flat(0xfbn, long))}
    ${quad(flat(0xf3n, false))} .word 103, tss-${LOAD_AT}, ${0x8900 | LOAD_AT >> 16}, 0
    .quad 0
  gdtr: .word 55
    .long gdt, 0
    .align 8
  idt: ${none.repeat(14)} ${gate("page_fault", 0x8e)} ${none.repeat(0x80 - 15)} ${gate("system_call", 0xee)}
  idtr: .word ${0x81 * (long ? 16 : 8) - 1}
    .long idt, 0
    .align 8
  tss: .long 0
    ${long ? ".quad stack\n.space 92" : ".long stack, 0x10\n.space 92"}
    .align 8
  saved: .quad 0
  result: .space ${RESULT}
    .space 512
  user_stack: .space 512
  stack: .quad 0`;
}

function start({ cr4 }: Layout, noExecute: boolean, long: boolean): string {
  const efer = (long ? 0x100 : 0) | (noExecute ? 0x800 : 0);
  return `
    .code32
  header: .long 0x1badb002, 0x10000, ${-(0x1badb002 + 0x10000) >>> 0}
    .long header, header, 0, 0, start
  start:
    cli
    lgdt [gdtr]
    mov eax, ${cr4}
    mov cr4, eax
    mov eax, ${TABLES}
    mov cr3, eax
    ${efer ? `mov ecx, 0xc0000080\nxor edx, edx\nmov eax, ${efer}\nwrmsr` : ""}
    mov eax, 0x80000011
    mov cr0, eax
    jmp far 8:ready
    ${long ? ".code64" : ""}
  ready:
    mov eax, 0x23
    mov ds, ax
    mov es, ax
    mov eax, 0x10
    mov ss, ax
    mov eax, stack
    mov Rsp, Rax
    lidt [idtr]
    mov eax, 0x28
    ltr ax`;
}

/** The image, from its first byte at `LOAD_AT`. */
export function buildImage({ name, noExecute }: Format, cases: readonly Case[]): Uint8Array {
  const layout = layoutOf(name), long = name === "4-level";
  const records = 0x10_4000;
  const source = [start(layout, noExecute, long), body(cases.length, layout), data(long)].join("\n")
    .replaceAll(/\bR(?=[a-ds][a-z]\b)/g, long ? "r" : "e").replaceAll("Iret", long ? "iretq" : "iretd")
    .replaceAll(/\brecords\b/g, `${records}`);
  const { bytes } = assemble(source, {
    encoder: (mode) => x86Encoder(mode === "x86-64" ? 64 : 32),
    mode: "x86-32",
    origin: BigInt(LOAD_AT),
    order: "le",
  });
  const image = new Uint8Array(PAGES + 4 * 0x1000 - LOAD_AT), view = new DataView(image.buffer);
  image.set(bytes);
  if (records + cases.length * RECORD > TABLES) throw new RangeError(`${cases.length} cases do not fit`);
  cases.forEach(({ reach, user, protect, entries }, i) => {
    const at = records - LOAD_AT + i * RECORD;
    view.setUint32(at, KINDS.indexOf(reach) | Number(user) << 2 | Number(protect) << 3, true);
    entries.forEach((entry, n) => view.setBigUint64(at + 16 + 8 * n, entry, true));
  });
  for (const [place, value] of layout.fixed) {
    if (layout.size === 8) view.setBigUint64(place - LOAD_AT, value, true);
    else view.setUint32(place - LOAD_AT, Number(value), true);
  }
  // RET, and which page it is.
  for (let n = 0; n < 4; n++) view.setUint32(PAGES - LOAD_AT + n * 0x1000, 0xc3 | (n + 1) << 8, true);
  return image;
}

/** What the guest has told. */
export function parseOutcomes(told: Uint8Array, name: FormatName): Outcome[] {
  const view = new DataView(told.buffer, told.byteOffset, told.byteLength), { places } = layoutOf(name);
  return Array.from({ length: Math.floor(told.length / RESULT) }, (_, i) => {
    const at = i * RESULT, code = view.getInt32(at, true);
    return {
      ...(code === -1 ? {} : { code }),
      value: view.getUint32(at + 4, true),
      cr2: view.getBigUint64(at + 8, true),
      entries: places.map((_, n) => view.getBigUint64(at + 16 + 8 * n, true)),
    };
  });
}
