/** The x86 programs: one text for the three modes, registers as wide as the mode. */
import { AT, type ExitLoop, EXITS, HYPERCALL, type Places, SIZE, type Workload } from "./guest.ts";
import { crcResult, fibResult, integerResult, sampleBytes, sieveResult } from "./results.ts";
import { type Bits, widen } from "./widths.ts";
import { furtherWorkloads } from "./x86_further.ts";

export function x86Workloads(bits: Bits, at: Places = AT): readonly Workload[] {
  const bytes = bits / 8;
  const input = sampleBytes(SIZE.copy);
  const accumulator = { 16: "ax", 32: "eax", 64: "rax" }[bits];
  return [
    {
      name: "integer",
      source: widen(
        `
        mov $$cx, ${SIZE.integer}
        mov $$bx, 1
        xor $$ax, $$ax
hot:    add $ax, $cx
        mov $dx, $ax
        shl $dx, 3
        xor $ax, $dx
        sub $bx, $ax
        dec $cx
        jnz hot
hot_end:
        xor $ax, $bx`,
        bits,
      ),
      outcome: { register: accumulator, value: integerResult(bits) },
    },
    {
      name: "sieve",
      source: widen(
        `
        mov $$di, ${at.flags}
        mov $$cx, ${SIZE.sieve}
fill:   mov byte ptr [$di], 1
        inc $di
        dec $cx
        jnz fill
fill_end:
        xor $$si, $$si
        xor $$ax, $$ax
next:   cmp byte ptr [$si + ${at.flags}], 0
        je composite
        mov $bx, $si
        add $bx, $si
        add $bx, 3
        inc $ax
        mov $di, $si
        add $di, $bx
        cmp $di, ${SIZE.sieve}
        jae composite
cross:  mov byte ptr [$di + ${at.flags}], 0
        add $di, $bx
        cmp $di, ${SIZE.sieve}
        jb cross
composite:
        inc $si
        cmp $si, ${SIZE.sieve}
        jb next`,
        bits,
      ),
      outcome: { register: accumulator, value: sieveResult() },
    },
    {
      name: "crc32",
      source: widen(
        `
        mov eax, -1
        mov $$si, ${at.source}
        mov $$cx, ${SIZE.crc}
hot:    movzx edx, byte ptr [$si]
        inc $si
        xor eax, edx
        mov $$bx, 8
bit:    shr eax, 1
        jnc even
        xor eax, 0xedb88320
even:   dec $$bx
        jnz bit
        dec $cx
        jnz hot
hot_end:
        not eax`,
        bits,
      ),
      prepare: (vm) => vm.memory.write(at.source, input),
      outcome: { register: "eax", value: crcResult() },
    },
    {
      name: "copy",
      source: widen(
        `
        mov $$bx, ${SIZE.copies}
again:  mov $$si, ${at.source}
        mov $$di, ${at.target}
        mov $$cx, ${SIZE.copy / bytes}
hot:    mov $ax, [$si]
        mov [$di], $ax
        add $si, ${bytes}
        add $di, ${bytes}
        dec $cx
        jnz hot
hot_end:
        dec $$bx
        jnz again`,
        bits,
      ),
      prepare(vm) {
        vm.memory.write(at.source, input);
        vm.memory.write(at.target, new Uint8Array(SIZE.copy));
      },
      outcome: { at: at.target, bytes: input },
    },
    {
      name: "calls",
      source: widen(
        `
        mov $$sp, ${at.stack}
        mov $$ax, ${SIZE.fib}
        call fib
        jmp end
fib:    cmp $ax, 2
        jb small
        push $ax
        dec $ax
        call fib
        pop $bx
        push $ax
        mov $ax, $bx
        sub $ax, 2
        call fib
        pop $bx
        add $ax, $bx
small:  ret
fib_end:`,
        bits,
      ),
      outcome: { register: accumulator, value: fibResult() },
    },
    ...bits === 16 ? [] : furtherWorkloads(bits, at),
  ];
}

/** Loops that make one exit an iteration. `window` is the device's guest-physical address, `port` its first port. */
export function x86ExitLoops(bits: Bits, { window, port }: { window: number; port: number }): ExitLoop[] {
  // In real mode the window is reached through a segment of its own.
  const address = bits === 16 ? `mov bx, ${window >> 4}\n mov ds, bx\n xor bx, bx` : `mov ebx, ${window}`;
  const loops: Record<ExitLoop["name"], { before: string; body: string }> = {
    "out": { before: `mov edx, ${port}\n mov eax, ${EXITS}`, body: "out dx, eax\n dec eax" },
    "in": {
      before: `mov edx, ${port}\n mov ecx, ${EXITS}\n xor ebx, ebx`,
      body: "in eax, dx\n add ebx, eax\n dec ecx",
    },
    "mmio store": { before: `${address}\n mov eax, ${EXITS}`, body: "mov [$bx], eax\n dec eax" },
    "mmio load": {
      before: `${address}\n mov ecx, ${EXITS}\n xor edx, edx`,
      body: "mov eax, [$bx]\n add edx, eax\n dec ecx",
    },
    "hypercall": { before: `mov eax, ${HYPERCALL}\n mov ecx, ${EXITS}`, body: "vmcall\n dec ecx" },
  };
  return Object.entries(loops).map(([name, { before, body }]) => ({
    name: name as ExitLoop["name"],
    source: widen(`${before}\nhot: ${body}\n jnz hot\nhot_end:`, bits),
  }));
}
