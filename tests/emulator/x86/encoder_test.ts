/** The assembler's x86 half: shortest encodings, symbols, and what it says to mistakes. */
import { assertEquals, assertThrows } from "@std/assert";
import type { EncodeContext } from "../../../emulator/isa/assembly.ts";
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import type { Mode } from "../../../emulator/x86/registers.ts";
import { numberContext, splitLine, symbolContext } from "./assembly_text.ts";

function assemble(mode: Mode, text: string, context: EncodeContext = numberContext): string {
  const bytes = x86Encoder(mode).encode(splitLine(text), context);
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
}

const ENCODINGS: readonly [mode: Mode, text: string, bytes: string][] = [
  [64, "mov eax, dword ptr [rbx+rcx*4+8]", "8b 44 8b 08"],
  [64, "mov eax, dword [rbx + rcx*4 + 8]", "8b 44 8b 08"],
  [64, "mov eax, [8+rbx+4*rcx]", "8b 44 8b 08"],
  [64, "mov EAX, [RBX]", "8b 03"],
  [64, "mov [rsp], al", "88 04 24"],
  [64, "mov rax, [rbp]", "48 8b 45 00"],
  [64, "mov rax, [r13]", "49 8b 45 00"],
  [64, "mov rax, [r12]", "49 8b 04 24"],
  [64, "mov eax, [rax*2]", "8b 04 45 00 00 00 00"],
  [64, "mov rax, 0xffffffffffffffff", "48 c7 c0 ff ff ff ff"],
  [64, "mov rax, 0x80000000", "48 b8 00 00 00 80 00 00 00 00"],
  [64, "mov eax, [rip+0x10]", "8b 05 10 00 00 00"],
  [64, "mov byte ptr [rel 0x1010], 5", "c6 05 09 00 00 00 05"],
  [64, "mov rax, fs:[0]", "64 48 8b 04 25 00 00 00 00"],
  [64, "mov rax, [fs:0]", "64 48 8b 04 25 00 00 00 00"],
  [64, "add rax, -128", "48 83 c0 80"],
  [64, "add rax, 128", "48 05 80 00 00 00"],
  [64, "add eax, 0xfffffff0", "83 c0 f0"],
  [64, "add byte ptr [rax], 0xff", "80 00 ff"],
  [64, "mov sil, 1", "40 b6 01"],
  [64, "push r12", "41 54"],
  [64, "push 0x80", "68 80 00 00 00"],
  [64, "push qword ptr [rax]", "ff 30"],
  [64, "pushfq", "9c"],
  [64, "pushf", "9c"],
  [64, "jmp 0x1000", "eb fe"],
  [64, "jmp near 0x1000", "e9 fb ff ff ff"],
  [64, "jz 0x1100", "0f 84 fa 00 00 00"],
  [64, "jmp [rax]", "ff 20"],
  [64, "call rax", "ff d0"],
  [64, "xchg rax, r9", "49 91"],
  [64, "lock inc qword ptr [rax]", "f0 48 ff 00"],
  [64, "sal eax, 3", "c1 e0 03"],
  [64, "movzx eax, byte ptr [rdi]", "0f b6 07"],
  [64, "cmovnz rax, rbx", "48 0f 45 c3"],
  [32, "mov eax, [0x2000]", "a1 00 20 00 00"],
  [32, "mov ebx, [0x2000]", "8b 1d 00 20 00 00"],
  [32, "inc eax", "40"],
  [32, "inc ax", "66 40"],
  [32, "mov eax, gs:[ebx]", "65 8b 03"],
  [32, "mov eax, es:[ebx]", "26 8b 03"],
  [32, "pushfd", "9c"],
  [32, "loop 0x1000", "e2 fe"],
  [16, "mov ax, [bx+si+4]", "8b 40 04"],
  [16, "mov ax, [si+bx]", "8b 00"],
  [16, "mov eax, [bp]", "66 8b 46 00"],
  [16, "mov ds, ax", "8e d8"],
  [16, "mov al, es:[0x1234]", "26 a0 34 12"],
  [16, "out dx, eax", "66 ef"],
  [16, "jmp 0x1003", "eb 01"],
  [16, "call 0x1010", "e8 0d 00"],
  [16, "jmp far 0xf000:0xfff0", "ea f0 ff 00 f0"],
  [16, "jmp 0xf000:0xfff0", "ea f0 ff 00 f0"],
  [32, "call far [ebx]", "ff 1b"],
  [16, "mov ax, [eax+ecx*4]", "67 8b 04 88"],
  [32, "mov eax, [bx+si]", "67 8b 00"],
  [64, "lea eax, [ecx+edx*2+1]", "67 8d 44 51 01"],
  [64, "rep movsq", "f3 48 a5"],
  [64, "repz cmpsb", "f3 a6"],
  [16, "rep es movsw", "26 f3 a5"],
  [64, "a32 stosd", "67 ab"],
  [64, "mov cr3, rax", "0f 22 d8"],
  [64, "mov rax, cr8", "44 0f 20 c0"],
  [64, "enter 16, 0", "c8 10 00 00"],
  [64, "iretq", "48 cf"],
  [64, "retf", "cb"],
  [16, "les di, [bx]", "c4 3f"],
  [64, "cmpxchg16b [rdi]", "48 0f c7 0f"],
  [64, "lock bts dword ptr [rdi], 3", "f0 0f ba 2f 03"],
];

Deno.test("x86Encoder() takes the shortest encoding", () => {
  for (const [mode, text, bytes] of ENCODINGS) assertEquals(assemble(mode, text), bytes, `${mode}: ${text}`);
});

Deno.test("x86Encoder() starts short with symbols that are not known yet", () => {
  const early = symbolContext({}, ["later"]);
  assertEquals(assemble(64, "jmp later", { ...early, pc: 0x100000n }).length, "eb 00".length);
  assertEquals(assemble(64, "add eax, later", early), "83 c0 00");
  assertEquals(assemble(64, "mov eax, [rbx+later]", early), "8b 43 00");
});

Deno.test("x86Encoder() honours atLeast", () => {
  const symbols = symbolContext({ here: 0x1000n });
  assertEquals(assemble(64, "jmp here", { ...symbols, atLeast: 3 }), "e9 fb ff ff ff");
  assertEquals(assemble(64, "je here", { ...symbols, atLeast: 6 }), "0f 84 fa ff ff ff");
  assertEquals(assemble(64, "add ebx, 1", { ...symbols, atLeast: 6 }), "81 c3 01 00 00 00");
});

Deno.test("x86Encoder() resolves symbols as immediates, addresses and targets", () => {
  const symbols = symbolContext({ data: 0x2000n, top: 0xffff_ffff_8000_0000n });
  assertEquals(assemble(64, "mov eax, data", symbols), "b8 00 20 00 00");
  assertEquals(assemble(64, "mov eax, offset data", symbols), "b8 00 20 00 00");
  assertEquals(assemble(64, "mov eax, [rel data]", symbols), "8b 05 fa 0f 00 00");
  assertEquals(assemble(64, "mov eax, [rip+data]", symbols), "8b 05 fa 0f 00 00");
  assertEquals(assemble(64, "mov eax, [data]", symbols), "8b 04 25 00 20 00 00");
  assertEquals(assemble(64, "mov rax, top", symbols), "48 c7 c0 00 00 00 80");
  assertEquals(assemble(32, "mov eax, [data+ecx*4-4]", symbols), "8b 04 8d fc 1f 00 00");
  assertEquals(assemble(32, "call data", symbols), "e8 fb 0f 00 00");
});

const MISTAKES: readonly [mode: Mode, text: string, message: string][] = [
  [64, "mvo eax, ebx", 'unknown instruction "mvo": did you mean "mov"?'],
  [64, "mov eax", '"mov" takes 2 operands, not 1'],
  [64, "mov [rax], 5", 'the size of the memory operand of "mov" is not known: write byte ptr or word ptr'],
  [64, "add al, 300", "300 = 300 does not fit in 8 bits: -128 to 255"],
  [64, "add rax, 0x80000000", "does not fit in a sign-extended immediate of 32 bits: move it to a register"],
  [64, "mov ah, r8b", "ah, bh, ch and dh cannot be used with a register or size that needs a REX prefix"],
  [64, "mov eax, [bx]", "bx cannot be in the address [bx]: use a 64-bit register"],
  [64, "mov eax, [0x123456789+rax]", "does not fit in 32 bits with its sign: use a register"],
  [64, "mov eax, [rax+rbx+rcx]", "too many registers in [rax+rbx+rcx]"],
  [64, "mov eax, [rax*3]", "scale 3 in [rax*3]: it can be 1, 2, 4 or 8"],
  [64, "mov eax, [rsp*2]", "the stack pointer cannot be an index"],
  [64, "mov eax, ds:[rbx]", "ds: has no effect in 64-bit code: leave it out"],
  [64, "jmp 0x200000000", "branch target is 8589930491 bytes away: this one reaches 32 bits"],
  [64, "jmp short 0x2000", "this one reaches 8 bits, signed"],
  [64, "lock add eax, 1", "lock is not allowed here: it is for adc, add"],
  [64, "lock mov [rax], eax", "lock is not allowed here"],
  [64, "rep add eax, 1", '"add" does not take the prefix rep: it is for string instructions'],
  [64, "es movsb; ", 'unknown instruction "movsb;"'],
  [64, "lock", 'prefix "lock" stands before an instruction on the same line'],
  [16, "jmp far 0x12345:0", "0x12345 = 74565 does not fit in 16 bits, unsigned"],
  [64, "mov ax, ebx", '"mov" does not take ax (16 bits), ebx (32 bits): it takes r/m8, r8'],
  [64, "push eax", '"push" does not take eax (32 bits)'],
  [32, "mov rax, 1", "register rax exists in 64-bit mode only, and this is 32-bit code"],
  [32, "mov eax, [rel 0]", "only 64-bit code has rip-relative addresses"],
  [16, "mov ax, [cx]", "cx cannot be in the address [cx]: use bx, bp, si or di"],
  [16, "mov ax, [bx+bp]", "a 16-bit address is one of bx, bp, plus one of si, di"],
  [64, "push dword 5", "dword 5: a size is for memory in brackets"],
  [64, "mov eax, []", "an address is missing between the brackets"],
];

Deno.test("x86Encoder() names what was wrong and what would be right", () => {
  for (const [mode, text, message] of MISTAKES) {
    assertThrows(() => assemble(mode, text), SyntaxError, message, text);
  }
});

Deno.test("x86Encoder() reserves registers and keywords", () => {
  const { reserved, mnemonics } = x86Encoder(64);
  for (const name of ["rax", "ah", "fs", "ptr", "rel"]) assertEquals(reserved.has(name), true, name);
  for (const name of ["mov", "jnz", "vmcall", "retq"]) assertEquals(mnemonics.includes(name), true, name);
});
