/** One guest through the processor's modes: real, protected with 16 and 32 bits, paged, compatibility, 64-bit, and back. */
import { assertEquals } from "@std/assert";
import { assemble } from "../../../../emulator/isa/assembler.ts";
import { createVm } from "../../../../emulator/machine/vm.ts";
import { x86Encoder } from "../../../../emulator/x86/encoder.ts";

/** Tables of 4-level paging at 0x10000: the first 2 MiB as they are, and again at 1 GiB. PAE's PDPTEs at 0x14000. */
const SOURCE = `
    .code16
    cli
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7000
    lgdt [gdtr]
    mov eax, cr0
    and eax, 0x9fffffff
    or al, 1
    mov cr0, eax
    mov ebx, 1
    mov cx, 0x10
    mov ds, cx
    jmp far 0x18:protected16
  protected16:
    inc ebx
    jmp far 8:protected32
    .code32
  protected32:
    mov eax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, 0x7000
    inc ebx
    mov dword ptr [0x10000], 0x11003
    mov dword ptr [0x11000], 0x12003
    mov dword ptr [0x11008], 0x12003
    mov dword ptr [0x12000], 0x83
    mov dword ptr [0x14000], 0x12001
    mov dword ptr [0x14008], 0x12001
    mov eax, cr4
    or eax, 0x20
    mov cr4, eax
    mov eax, 0x14000
    mov cr3, eax
    mov eax, cr0
    or eax, 0x80000000
    mov cr0, eax
    inc ebx
    mov dword ptr [0x40006000], 0x1234
    mov esi, [0x6000]
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, 0x10000
    mov cr3, eax
    mov eax, cr0
    bts eax, 31
    mov cr0, eax
    inc ebx
    rdmsr
    mov ebp, eax
    jmp far 0x20:long64
    .code64
  long64:
    mov rax, 0x123456789
    mov [0x40006008], rax
    mov rdi, [0x6008]
    shr rdi, 4
    inc ebx
    push 8
    push compatible
    .byte 0x48
    retf
    .code32
  compatible:
    inc ebx
    mov eax, cr0
    btr eax, 31
    mov cr0, eax
    rdmsr
    mov edx, eax
    jmp far 0x18:back16
    .code16
  back16:
    mov eax, cr0
    and al, 0xfe
    mov cr0, eax
    jmp far 0:real
  real:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7000
    inc ebx
    mov ax, 0x1000
    mov es, ax
    mov cx, es:[0x2000]
    hlt
    .align 8
  gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00009b000000ffff, 0x00af9b000000ffff
  gdtr: .word 39
    .long gdt`;

for (const engine of ["interpreter", "oracle"] as const) {
  Deno.test(`a guest goes through all modes and back to real mode, ${engine}`, async () => {
    const vm = createVm({ arch: "x86", mode: 16, engine });
    vm.load(assemble(SOURCE, {
      encoder: (mode) => x86Encoder(mode === "x86-64" ? 64 : mode === "x86-32" ? 32 : 16),
      mode: "x86-16",
      origin: 0x1000n,
      order: "le",
    }));
    const stop = await vm.run({ instructions: 1000 });
    assertEquals(stop.reason, "HLT", stop.message);
    assertEquals(vm.isa.name, "x86-16");
    const get = (name: string) => vm.vcpu.registers.get(name);
    assertEquals([get("ebx"), get("esi"), get("edi")], [8n, 0x1234n, 0x1234_5678n]);
    assertEquals([get("ebp"), get("edx"), get("ecx") & 0xffffn], [0x500n, 0x100n, 0xe3n]);
    // Each table was accessed, the page written.
    const entry = (at: number) => vm.memory.read(at, 1)[0];
    assertEquals([0x1_0000, 0x1_1000, 0x1_1008, 0x1_2000].map(entry), [0x23, 0x23, 0x23, 0xe3]);
  });
}
