/**
 * An x86 guest as every machine here loads it: a Multiboot ELF32 (Multiboot Specification 0.6.96, section 3.1). A loader
 * enters it in protected mode with flat segments, interrupts off; its stub then turns paging on, or enters long mode.
 */
import { createVm } from "../../../mod.ts";
import { buildElf } from "../../support/elf_builder.ts";
import { AT, SIZE } from "../guests/guest.ts";
import { type PeerGuest, REPEAT } from "./guest.ts";
import type { PeerImage } from "./image.ts";
import { RAM_MIB, type SystemName } from "./systems.ts";

export const LOADED_AT = 0x10_0000n;
/** Where the guest stands, past header and stub. */
const GUEST_AT = LOADED_AT + 0x200n;
/** Low memory of the guest's own: the repeats still to do, and page tables. */
const COUNTER = 0x1f00;
const TABLES = 0x1_0000;
/** The page that holds the exit loops' window. */
const WINDOW = 0xfed0_0000;

/** Header with magic, no flags and their checksum; then the entry. */
const HEADER = `
        .long 0x1badb002, 0, 0xe4524ffe
        .entry start
start:  mov esp, ${AT.stack}
        cld`;

/** Writes \`count\` entries at \`table\`: \`first\`, and each \`step\` more than the one before; they have \`size\` bytes. */
function entries(
  label: string,
  { table, count, first, step, size }: Record<"table" | "count" | "first" | "step" | "size", number>,
): string {
  return `
        mov edi, ${table}
        mov eax, ${first}
        mov ecx, ${count}
${label}: mov [edi], eax
        ${size === 8 ? "mov dword ptr [edi + 4], 0" : ""}
        add eax, ${step}
        add edi, ${size}
        dec ecx
        jnz ${label}`;
}

function clear(pages: number): string {
  return `
        mov edi, ${TABLES}
        xor eax, eax
        mov ecx, ${pages * 0x400}
        rep stosd`;
}

const PRESENT = 3, LARGE = 0x83;

/** SDM vol. 3A, 4.3: pages of 4 KiB, each where it lies; RAM and the window's. A directory, the window's table, RAM's. */
const PAGING = `
${clear(2)}
${
  entries("pde", {
    table: TABLES,
    count: RAM_MIB / 4,
    first: TABLES + 0x2000 | PRESENT,
    step: 0x1000,
    size: 4,
  })
}
        mov dword ptr [${TABLES + (WINDOW >>> 22) * 4}], ${TABLES + 0x1000 | PRESENT}
        mov dword ptr [${TABLES + 0x1000 + (WINDOW >>> 12 & 0x3ff) * 4}], ${(WINDOW | PRESENT) >>> 0}
${entries("pte", { table: TABLES + 0x2000, count: RAM_MIB * 256, first: PRESENT, step: 0x1000, size: 4 })}
        mov eax, ${TABLES}
        mov cr3, eax
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        jmp ${GUEST_AT}`;

/** SDM vol. 3A, 10.8.5: PAE on, CR3 loaded, EFER.LME, then paging, here with pages of 2 MiB. */
const LONG_MODE = `
${clear(4)}
        mov dword ptr [${TABLES}], ${TABLES + 0x1000 | PRESENT}
        mov dword ptr [${TABLES + 0x1000}], ${TABLES + 0x2000 | PRESENT}
        mov dword ptr [${TABLES + 0x1000 + (WINDOW >>> 30) * 8}], ${TABLES + 0x3000 | PRESENT}
        mov dword ptr [${TABLES + 0x3000 + (WINDOW >>> 21 & 0x1ff) * 8}], ${
  (WINDOW & -0x20_0000 | LARGE) >>> 0
}
${entries("pde", { table: TABLES + 0x2000, count: RAM_MIB / 2, first: LARGE, step: 0x20_0000, size: 8 })}
        mov eax, cr4
        or eax, 0x20
        mov cr4, eax
        mov eax, ${TABLES}
        mov cr3, eax
        mov ecx, 0xc0000080
        rdmsr
        or eax, 0x100
        wrmsr
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        lgdt [pointer]
        .byte 0xea
        .long ${GUEST_AT}
        .word 8
        .balign 8
gdt:    .quad 0, 0x00209a0000000000
pointer: .word 15
        .long gdt`;

const ENTER: Readonly<Partial<Record<SystemName, string>>> = {
  "x86-32": `jmp ${GUEST_AT}`,
  "x86-32 paging": PAGING,
  "x86-64": LONG_MODE,
};

/** Input as \`sampleBytes()\` makes it, then passes for ever: the program, its result, the result told. */
function guestSource({ system, setUp = "", program, tally }: PeerGuest): string {
  const accumulator = system.bits === 32 ? "eax" : "rax";
  return `
guest:  mov esp, ${AT.stack}
        xor ecx, ecx
input:  imul eax, ecx, 73
        mov edx, ecx
        shr edx, 8
        imul edx, edx, 5
        add eax, edx
        mov byte ptr [ecx + ${AT.source}], al
        inc ecx
        cmp ecx, ${SIZE.copy}
        jb input
${setUp}
pass:   mov dword ptr [${COUNTER}], ${REPEAT}
repeat:
${program}
end:    dec dword ptr [${COUNTER}]
        jnz repeat
${tally}
        mov edx, ${system.console.at}
        mov ecx, ${system.bits / 8}
tell:   out dx, al
        shr ${accumulator}, 8
        dec ecx
        jnz tell
        jmp pass`;
}

export function x86Image(guest: PeerGuest): PeerImage {
  const { name, bits } = guest.system;
  const narrow = createVm({ arch: "x86", mode: 32, memory: 0x1000 });
  const wide = createVm({ arch: "x86", mode: bits, memory: 0x1000 });
  const stub = narrow.assemble(`${HEADER}\n${ENTER[name]}`, LOADED_AT);
  const { bytes: code, symbols } = wide.assemble(guestSource(guest), GUEST_AT);
  const room = Number(GUEST_AT - LOADED_AT);
  if (stub.bytes.length > room) throw new RangeError(`the stub has ${stub.bytes.length} bytes, not ${room}`);
  const bytes = new Uint8Array(room + code.length);
  bytes.set(stub.bytes);
  bytes.set(code, room);
  const segments = [{ vaddr: LOADED_AT, bytes, flags: 7 }];
  const entry = stub.symbols.get("start")!;
  const file = buildElf({ width: 32, order: "le", machine: 3, entry, segments });
  return { file, bytes, at: LOADED_AT, entry, pass: symbols.get("pass")! };
}
