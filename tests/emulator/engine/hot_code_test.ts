import { assert, assertEquals } from "@std/assert";
import { HotCode } from "../../../emulator/engine/hot_code.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VmOptions } from "../../../emulator/machine/vm_options.ts";
import { snapshot } from "../../../emulator/exits/snapshot.ts";

const THRESHOLDS = { interval: 100, found: 2, leftFor: 3 };

Deno.test("an address is hot when it is found often enough, and then from zero again", () => {
  const hot = new HotCode(THRESHOLDS);
  assertEquals([1, 2, 3, 4].map(() => hot.look(5n)), [false, true, false, true]);
  assertEquals([1, 2, 3, 4].map(() => hot.leftFor(6n)), [false, false, true, false]);
  assertEquals(new HotCode("off").look(5n) || new HotCode("off").compilesAtOnce(5n), false);
  assertEquals(new HotCode("first").compilesAtOnce(5n), true);
});

Deno.test("looks become rare while nothing new is hot, and frequent again when something is", () => {
  const hot = new HotCode(THRESHOLDS);
  for (let i = 0; i < 100; i++) hot.look(BigInt(i));
  const rare = hot.interval;
  assert(rare > 1000 && rare <= 2_000_000);
  hot.look(1000n);
  hot.look(1000n);
  assertEquals(hot.interval, THRESHOLDS.interval);
});

Deno.test("an address whose code keeps changing is left to the interpreter, as is one without code", () => {
  const hot = new HotCode("first");
  for (let i = 0; i < 8; i++) {
    assert(hot.compilesAtOnce(5n));
    hot.changed(5n);
  }
  assert(!hot.compilesAtOnce(5n));
  hot.refuse(6n);
  assert(!hot.compilesAtOnce(6n));
  hot.forget();
  assert(hot.compilesAtOnce(5n) && hot.compilesAtOnce(6n));
});

Deno.test("after a flood of regions it takes more to be hot", () => {
  const hot = new HotCode(THRESHOLDS);
  hot.flooded();
  assertEquals([1, 2, 3, 4].map(() => hot.look(5n)), [false, false, false, true]);
});

/** Calls through a table, a loop within a loop that is entered in its middle, a recursion: 3 times each kind of edge. */
const GUESTS: readonly (readonly [name: string, options: VmOptions, source: string])[] = [
  [
    "x86: indirect jumps, nested loops, calls",
    { arch: "x86", mode: 32 },
    `
        mov esp, 0x8000
        mov dword ptr [0x3000], one
        mov dword ptr [0x3004], two
        mov dword ptr [0x3008], three
        mov esi, 2000
again:  mov eax, esi
        and eax, 3
        cmp eax, 3
        je inner
        jmp dword ptr [0x3000 + eax*4]
one:    add ebx, 1
        call double
        jmp next
two:    xor ebx, esi
        call double
        jmp next
three:  rol ebx, 3
inner:  mov ecx, 5
turn:   add ebx, ecx
        test ebx, 1
        jz even
        add ebx, 7
even:   dec ecx
        jnz turn
next:   dec esi
        jnz again
        hlt
double: add ebx, ebx
        out 0x80, al
        ret
`,
  ],
  [
    "ppc: the count register, a loop entered in its middle",
    { arch: "ppc", mode: 64 },
    `
        lis r4, 0
        ori r4, r4, 3000
        mtctr r4
        b middle
top:    addi r5, r5, 3
middle: xor r5, r5, r4
        andi. r6, r5, 8
        bne skip
        bl work
skip:   bdnz top
again:  b again
work:   add r7, r7, r5
        blr
`,
  ],
];

for (const [name, options, source] of GUESTS) {
  Deno.test(`compiled by itself, at once, or not at all, a guest does the same: ${name}`, async () => {
    const outcomes = [];
    for (
      const regions of ["off", "hot", "first", { interval: 50, found: 1, leftFor: 1 }, THRESHOLDS] as const
    ) {
      const vm = createVm({ ...options, memory: 0x1_0000, regions });
      vm.load(vm.assemble(source));
      const stop = await vm.run({ instructions: 90_000 });
      outcomes.push(endOf(vm, stop.reason));
    }
    for (const other of outcomes.slice(1)) assertEquals(other, outcomes[0]);
  });
}

function endOf(vm: Vm, reason: string) {
  const { instructions, cycles, registers } = vm.vcpu;
  return { reason, instructions, cycles, registers: registers.list(), ledger: snapshot(vm.exits) };
}

/** A loop that writes the immediate of an instruction within it, each time round. */
const REWRITES = `
        mov ecx, 20000
top:    mov byte ptr [patch + 1], cl
patch:  mov al, 0
        add ebx, eax
        dec ecx
        jnz top
        hlt
`;

Deno.test("a guest that rewrites its own code stays correct, compiled or not", async () => {
  const sums = [];
  for (const regions of ["off", "hot", "first"] as const) {
    const vm = createVm({ arch: "x86", mode: 32, memory: 0x1_0000, regions });
    vm.load(vm.assemble(REWRITES));
    assertEquals((await vm.run({ instructions: 2_000_000 })).reason, "HLT");
    sums.push(vm.vcpu.registers.get("ebx"));
  }
  // 0 to 255 over and over: 20,000 = 78 * 256 + 32.
  assertEquals(sums, Array(3).fill(BigInt(78 * 255 * 128 + 32 * 33 / 2)));
});
