/**
 * Guests of our own assembler, so that programs run where no compiler is. Each ISA mode does the same jobs: CRC-32
 * of "123456789", a table sorted and summed up, a Fibonacci number of 64 bits. The answers go to the console as 8
 * hexadecimal digits a line; debug-exit gets a 7.
 */

/** A program, and the machine that it is for. */
export interface AssembledGuest {
  readonly name: string;
  readonly arch: "x86" | "ppc";
  readonly mode: 16 | 32 | 64;
  readonly order: "le" | "be";
  readonly source: string;
}

/** A table of 32 numbers by the recurrence n = n * 69069 + 1, from 1, and what the guests make of it. */
export function sortedSum(): number {
  const table: number[] = [];
  for (let i = 0, n = 1; i < 32; i++) table.push(n = (Math.imul(n, 69069) + 1) >>> 0);
  table.sort((a, b) => a - b);
  return table.reduce((sum, n) => (Math.imul(sum, 31) + n) >>> 0, 0);
}

/** Fibonacci number 90 in 64 bits, by additions: high half, low half. */
export function fibonacci90(): [number, number] {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < 90; i++) [a, b] = [b, a + b];
  return [Number(a >> 32n), Number(a & 0xffff_ffffn)];
}

/** `$ax` is eax or rax. Real mode has 32-bit registers too, and addresses by si, di and bx. */
function x86Source(bits: 16 | 32 | 64): string {
  const stack = bits === 16 ? "mov sp, 0x7000" : bits === 32 ? "mov esp, 0x80000" : "mov rsp, 0x80000";
  const [si, di, bx] = { 16: ["si", "di", "bx"], 32: ["esi", "edi", "ebx"], 64: ["rsi", "rdi", "rbx"] }[bits];
  return `
start:  ${stack}

# CRC-32, bit by bit.
        mov ${si}, text
        mov eax, 0xffffffff
        mov ecx, 9
each:   movzx edx, byte ptr [${si}]
        xor eax, edx
        mov edx, 8
step:   shr eax, 1
        jnc even
        xor eax, 0xedb88320
even:   dec edx
        jnz step
        inc ${si}
        dec ecx
        jnz each
        not eax
        call print

# Insertion sort of a table, then its sum.
        mov ${di}, table
        mov eax, 1
        mov ecx, 32
fill:   imul eax, eax, 69069
        inc eax
        mov dword ptr [${di}], eax
        add ${di}, 4
        dec ecx
        jnz fill
        mov ${di}, table + 4
        mov ecx, 31
insert: mov eax, dword ptr [${di}]
        mov ${bx}, ${di}
shift:  cmp ${bx}, table
        je place
        mov edx, dword ptr [${bx} - 4]
        cmp edx, eax
        jbe place
        mov dword ptr [${bx}], edx
        sub ${bx}, 4
        jmp shift
place:  mov dword ptr [${bx}], eax
        add ${di}, 4
        dec ecx
        jnz insert
        mov ${di}, table
        xor eax, eax
        mov ecx, 32
sum:    imul eax, eax, 31
        add eax, dword ptr [${di}]
        add ${di}, 4
        dec ecx
        jnz sum
        call print

# Fibonacci number 90.
${bits === 64 ? FIBONACCI_64 : FIBONACCI_32}
        mov eax, ebp
        call print
        mov eax, esi
        call print
        mov dx, 0x501
        mov al, 7
        out dx, al

# eax as eight digits and a line feed.
print:  mov ecx, 8
        mov edx, eax
digit:  rol edx, 4
        mov eax, edx
        and eax, 15
        add eax, 0x30
        cmp eax, 0x3a
        jb ready
        add eax, 0x27
ready:  push ${bits === 64 ? "rdx" : bits === 32 ? "edx" : "dx"}
        call send
        pop ${bits === 64 ? "rdx" : bits === 32 ? "edx" : "dx"}
        dec ecx
        jnz digit
        mov eax, 10
send:   mov ${bx}, ${bits === 64 ? "rax" : bits === 32 ? "eax" : "ax"}
        mov dx, 0x3fd
full:   in al, dx
        test al, 0x20
        jz full
        mov dx, 0x3f8
        mov al, bl
        out dx, al
        ret

text:   .ascii "123456789"
        .align 4
table:  .skip 128
`;
}

const FIBONACCI_64 = `
        xor eax, eax
        mov ebx, 1
        mov ecx, 90
next:   mov rdx, rbx
        add rbx, rax
        mov rax, rdx
        dec ecx
        jnz next
        mov rsi, rax
        mov rbp, rax
        shr rbp, 32`;

const FIBONACCI_32 = `
        xor esi, esi
        xor ebp, ebp
        mov eax, 1
        xor edx, edx
        mov ecx, 90
next:   mov edi, eax
        mov ebx, edx
        add eax, esi
        adc edx, ebp
        mov esi, edi
        mov ebp, ebx
        dec ecx
        jnz next`;

function ppcSource(bits: 32 | 64): string {
  const wide = bits === 64;
  return `
start:  li r31, 0
        lis r31, 0x7f00
        add r31, r31, r31        # 0xfe000000, in both widths

# CRC-32, bit by bit.
        lis r4, text@ha
        addi r4, r4, text@l
        li r3, -1
        ${wide ? "rldicl r3, r3, 0, 32" : "nop"}
        lis r7, 0xedb8
        ori r7, r7, 0x8320
        li r5, 9
each:   lbz r6, 0(r4)
        xor r3, r3, r6
        li r6, 8
        mtctr r6
step:   andi. r6, r3, 1
        srwi r3, r3, 1
        beq even
        xor r3, r3, r7
        rlwinm r3, r3, 0, 0, 31
even:   bdnz step
        addi r4, r4, 1
        addic. r5, r5, -1
        bne each
        not r3, r3
        bl print

# Insertion sort of a table, then its sum.
        lis r4, table@ha
        addi r4, r4, table@l
        mr r5, r4
        li r3, 1
        lis r6, 1
        ori r6, r6, 3533         # 69069
        li r7, 32
        mtctr r7
fill:   mullw r3, r3, r6
        addi r3, r3, 1
        stw r3, 0(r5)
        addi r5, r5, 4
        bdnz fill
        addi r5, r4, 4
        li r7, 31
        mtctr r7
insert: lwz r3, 0(r5)
        mr r6, r5
shift:  cmpw r6, r4
        beq place
        lwz r7, -4(r6)
        cmplw r7, r3
        ble place
        stw r7, 0(r6)
        addi r6, r6, -4
        b shift
place:  stw r3, 0(r6)
        addi r5, r5, 4
        bdnz insert
        li r7, 32
        mtctr r7
        li r3, 0
sum:    mulli r3, r3, 31
        lwz r7, 0(r4)
        add r3, r3, r7
        addi r4, r4, 4
        bdnz sum
        bl print

# Fibonacci number 90.
        li r3, 90
        mtctr r3
${wide ? PPC_FIBONACCI_64 : PPC_FIBONACCI_32}
        mr r3, r21
        bl print
        mr r3, r20
        bl print
        li r3, 7
        stb r3, 0x501(r31)

# r3 as eight digits and a line feed.
print:  li r8, 8
        mflr r10
digit:  rlwinm r3, r3, 4, 0, 31
        rlwinm r9, r3, 0, 28, 31
        addi r9, r9, 0x30
        cmpwi r9, 0x3a
        blt ready
        addi r9, r9, 0x27
ready:  bl send
        addic. r8, r8, -1
        bne digit
        li r9, 10
        mtlr r10
send:   lbz r11, 0x3fd(r31)
        andi. r11, r11, 0x20
        beq send
        stb r9, 0x3f8(r31)
        blr

text:   .ascii "123456789"
        .align 4
table:  .skip 128
`;
}

const PPC_FIBONACCI_64 = `
        li r20, 0
        li r22, 1
next:   mr r24, r22
        add r22, r22, r20
        mr r20, r24
        bdnz next
        srdi r21, r20, 32`;

const PPC_FIBONACCI_32 = `
        li r20, 0
        li r21, 0
        li r22, 1
        li r23, 0
next:   mr r24, r22
        mr r25, r23
        addc r22, r22, r20
        adde r23, r23, r21
        mr r20, r24
        mr r21, r25
        bdnz next`;

export const ASSEMBLED: readonly AssembledGuest[] = [
  ...([16, 32, 64] as const).map((mode) => ({
    name: `x86-${mode}`,
    arch: "x86" as const,
    mode,
    order: "le" as const,
    source: x86Source(mode),
  })),
  ...([32, 64] as const).flatMap((mode) =>
    (["be", "le"] as const).map((order) => ({
      name: `ppc${mode} ${order}`,
      arch: "ppc" as const,
      mode,
      order,
      source: ppcSource(mode),
    }))
  ),
];
