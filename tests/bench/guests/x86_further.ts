/**
 * Programs of protected and long mode: indirect jumps, string instructions, wide multiplication and division, code that
 * changes, and code that is new.
 */
import { type Places, SIZE, type Workload } from "./guest.ts";
import {
  coldResult,
  dispatchResult,
  divideResult,
  DIVISOR,
  patchResult,
  sampleBytes,
  stringsResult,
} from "./results.ts";
import { widen } from "./widths.ts";

/** Rounds of the dispatch and of the strings, so that they are as long as the other programs; few of what is cold. */
export const ROUNDS = { dispatch: 32, strings: 32, cold: 3 } as const;

/** A function of the cold path, and what follows it in memory. */
const FUNCTION_BYTES = 48;

export function furtherWorkloads(bits: 32 | 64, at: Places): readonly Workload[] {
  const bytes = bits / 8;
  const accumulator = bits === 32 ? "eax" : "rax";
  const input = sampleBytes(Math.max(SIZE.dispatch, SIZE.strings));
  const common = (result: bigint): Pick<Workload, "prepare" | "outcome"> => ({
    prepare: (vm) => vm.memory.write(at.source, input),
    outcome: { register: accumulator, value: result },
  });
  return [
    {
      // A byte code of four operations, each jumped to through a table, as an interpreter does.
      name: "dispatch",
      source: widen(
        `
        xor eax, eax
        mov ebx, ${ROUNDS.dispatch}
        jmp hot
        .balign 8
table:  ${bits === 32 ? ".long" : ".quad"} op0, op1, op2, op3
hot:    mov esi, ${at.source}
        mov ecx, ${SIZE.dispatch}
fetch:  movzx edx, byte ptr [$si]
        inc $si
        and edx, 3
        jmp [$dx * ${bytes} + table]
op0:    add eax, 7
        jmp next
op1:    xor eax, 0x1234
        jmp next
op2:    rol eax, 3
        jmp next
op3:    sub eax, 5
next:   dec ecx
        jnz fetch
        dec ebx
        jnz hot
hot_end:`,
        bits,
      ),
      ...common(dispatchResult(ROUNDS.dispatch)),
    },
    {
      name: "strings",
      source: widen(
        `
        cld
        xor edx, edx
        mov ebx, ${ROUNDS.strings}
hot:    mov esi, ${at.source}
        mov edi, ${at.target}
        mov ecx, ${SIZE.strings}
        rep movsb
        mov esi, ${at.source}
        mov edi, ${at.target}
        mov ecx, ${SIZE.strings}
        repe cmpsb
        sete al
        movzx eax, al
        add edx, eax
        mov edi, ${at.target}
        mov ecx, ${SIZE.strings}
        mov al, 0xff
        repne scasb
        add edx, ecx
        mov edi, ${at.target}
        mov ecx, ${SIZE.strings / 4}
        xor eax, eax
        rep stosd
        dec ebx
        jnz hot
hot_end:
        mov eax, edx`,
        bits,
      ),
      ...common(stringsResult(ROUNDS.strings)),
    },
    {
      // The product has twice the registers' bits, and so has the dividend.
      name: "divide",
      source: widen(
        `
        mov eax, 1
        mov $si, ${DIVISOR[bits]}
        mov ecx, ${SIZE.divide}
hot:    mul $cx
        add $ax, $cx
        adc $dx, 0
        div $si
        xor $ax, $dx
        dec ecx
        jnz hot
hot_end:`,
        bits,
      ),
      ...common(divideResult(bits)),
    },
    {
      // Self-modifying code: a constant is written anew each time before it is executed.
      name: "patch",
      source: widen(
        `
        xor eax, eax
        mov ecx, ${SIZE.patch}
hot:    mov dword ptr [site + 1], ecx
        jmp site
site:   mov edx, 0x11223344
        add eax, edx
        dec ecx
        jnz hot
hot_end:`,
        bits,
      ),
      outcome: { register: accumulator, value: patchResult() },
    },
    {
      // As a boot does: code is brought to where it belongs, finished there, and run a few times.
      name: "cold",
      source: widen(
        `
        mov $$sp, ${at.stack}
        cld
        mov edi, ${at.written}
        mov ebp, ${SIZE.cold}
bring:  mov esi, model
        mov ecx, ${FUNCTION_BYTES / 4}
        rep movsd
        mov dword ptr [$di - ${FUNCTION_BYTES - 1}], ebp
        dec ebp
        jnz bring
        xor eax, eax
        mov ebx, ${ROUNDS.cold}
round:  mov edi, ${at.written}
        mov ebp, ${SIZE.cold}
each:   call $di
        add edi, ${FUNCTION_BYTES}
        dec ebp
        jnz each
        dec ebx
        jnz round
        jmp end
        .balign 8
model:  mov edx, 0x11223344
        add eax, edx
        rol eax, 3
        mov ecx, 4
turn:   xor eax, ecx
        add eax, 7
        dec ecx
        jnz turn
        test al, 1
        jz even
        not eax
even:   ret
        .balign 8`,
        bits,
      ),
      outcome: { register: accumulator, value: coldResult(ROUNDS.cold) },
    },
  ];
}
