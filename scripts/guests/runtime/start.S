/*
 * Where a guest starts: a stack, then main, then exit with what main returned. The loader has put the program's bytes
 * and zeros in place. x86 is flat, as `exec` begins; PowerPC in real mode, where floating point is switched on
 * (MSR bit FP) if the compiler was told that there is some.
 */
        .section .text.start, "ax"
        .globl  _start
_start:
#if defined(__x86_64__)
        leaq    stack_top(%rip), %rsp
        xorl    %ebp, %ebp
        call    main
        movl    %eax, %edi
        call    exit

#elif defined(__i386__)
        movl    $stack_top, %esp
        xorl    %ebp, %ebp
        call    main
        subl    $12, %esp
        pushl   %eax
        call    exit

#else
/* r3 is the device tree's address, if the guest was given one (ePAPR 1.1, 5.4). */
        lis     4, boot_tree@ha
        addi    4, 4, boot_tree@l
#if defined(__powerpc64__)
        std     3, 0(4)
#else
        stw     3, 0(4)
#endif
#ifndef _SOFT_FLOAT
        mfmsr   3
        ori     3, 3, 0x2000
        mtmsr   3
        isync
#endif
#if !defined(__powerpc64__)
        lis     1, stack_top@ha
        addi    1, 1, stack_top@l
        li      0, 0
        stwu    0, -16(1)
        bl      main
        bl      exit

#elif _CALL_ELF == 2
        lis     2, .TOC.@ha
        addi    2, 2, .TOC.@l
        lis     1, stack_top@ha
        addi    1, 1, stack_top@l
        li      0, 0
        stdu    0, -32(1)
        bl      main
        nop
        bl      exit
        nop

#else
/* The ELFv1 ABI: `main` is a descriptor, of which the second doubleword is the table of contents for r2. */
        lis     3, main@ha
        addi    3, 3, main@l
        ld      2, 8(3)
        lis     1, stack_top@ha
        addi    1, 1, stack_top@l
        li      0, 0
        stdu    0, -112(1)
        bl      main
        nop
        bl      exit
        nop
#endif
#endif
#if !defined(__x86_64__) && !defined(__i386__)
        .section .data
        .globl  boot_tree
        .balign 8
boot_tree:
        .quad   0
#endif
        .section .note.GNU-stack, "", @progbits
