/**
 * A guest as every machine here loads it: a Multiboot ELF32 (Multiboot Specification 0.6.96, section 3.1). A loader
 * enters it in protected mode with flat segments, interrupts off; a 64-bit guest's stub then enters long mode.
 */
import { createVm } from "../../../mod.ts";
import { buildElf } from "../../support/elf_builder.ts";
import { AT, SIZE } from "../guests/guest.ts";
import { type PeerGuest, REPEAT, SERIAL } from "./guests.ts";

export interface PeerImage {
  readonly elf: Uint8Array;
  /** The bytes at `LOADED_AT`: header, stub, guest. */
  readonly bytes: Uint8Array;
  /** Labels of the guest: `guest` is where it starts, `pass` where a pass does. */
  readonly symbols: ReadonlyMap<string, bigint>;
}

export const LOADED_AT = 0x10_0000n;
/** Where the guest stands, past header and stub. */
const GUEST_AT = LOADED_AT + 0x200n;
/** Low memory of the guest's own: the repeats still to do, and the 64-bit stub's three page tables. */
const COUNTER = 0x1f00;
const TABLES = 0x1_0000;

/** Header with magic, no flags and their checksum; then the entry. */
const HEADER = `
        .long 0x1badb002, 0, 0xe4524ffe
        .entry start
start:  mov esp, ${AT.stack}`;

/** SDM vol. 3A, 10.8.5: PAE on, CR3 loaded, EFER.LME, then paging. One page of 2 MiB holds all. */
const LONG_MODE = `
        mov edi, ${TABLES}
        xor eax, eax
        mov ecx, 0xc00
        cld
        rep stosd
        mov dword ptr [${TABLES}], ${TABLES + 0x1000 | 3}
        mov dword ptr [${TABLES + 0x1000}], ${TABLES + 0x2000 | 3}
        mov dword ptr [${TABLES + 0x2000}], 0x83
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

/** Input as \`sampleBytes()\` makes it, then passes for ever: the program, its result, the result told. */
function guestSource({ bits, program, tally }: PeerGuest): string {
  const accumulator = bits === 32 ? "eax" : "rax";
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
pass:   mov dword ptr [${COUNTER}], ${REPEAT}
repeat:
${program}
end:    dec dword ptr [${COUNTER}]
        jnz repeat
${tally}
        mov edx, ${SERIAL}
        mov ecx, ${bits / 8}
tell:   out dx, al
        shr ${accumulator}, 8
        dec ecx
        jnz tell
        jmp pass`;
}

export function peerImage(guest: PeerGuest): PeerImage {
  const narrow = createVm({ arch: "x86", mode: 32, memory: 0x1000 });
  const wide = createVm({ arch: "x86", mode: guest.bits, memory: 0x1000 });
  const enter = guest.bits === 32 ? `jmp ${GUEST_AT}` : LONG_MODE;
  const stub = narrow.assemble(`${HEADER}\n${enter}`, LOADED_AT);
  const { bytes, symbols } = wide.assemble(guestSource(guest), GUEST_AT);
  const whole = new Uint8Array(Number(GUEST_AT - LOADED_AT) + bytes.length);
  whole.set(stub.bytes);
  whole.set(bytes, Number(GUEST_AT - LOADED_AT));
  const segments = [{ vaddr: LOADED_AT, bytes: whole, flags: 7 }];
  const entry = stub.symbols.get("start")!;
  return { elf: buildElf({ width: 32, order: "le", machine: 3, entry, segments }), bytes: whole, symbols };
}
