/** Ends of memory, of pages, of the program counter, and of the code cache. */
import { assertEquals, assertThrows } from "@std/assert";
import { EXECUTORS, makeVm, ORIGIN, outcome, runEverywhere } from "./executors.ts";

Deno.test("straight code of more records than a chunk has is executed to its end, twice", async () => {
  const count = 20_000;
  const source = `mov ecx, 2\nagain:\n${"inc eax\n".repeat(count)}dec ecx\njne again\nhlt`;
  const vm = makeVm({ source }, "interpreter");
  const stop = await vm.run();
  assertEquals([stop.reason, vm.vcpu.registers.get("eax")], ["HLT", BigInt(2 * count)]);
  assertEquals(vm.vcpu.instructions, 2 * count + 6);
});

Deno.test("a store to a page that was code a chunk of records ago is noticed", async () => {
  const filler = "inc ecx\n".repeat(20_000);
  const outcome = await runEverywhere({
    source: `mov esp, 0x1f00
             mov ebx, 0x1800
             mov byte ptr [rbx], 0xb8
             mov byte ptr [rbx + 5], 0xc3
             call rbx
             end_of_region: ${filler}
             call rbx
             mov byte ptr [rbx + 1], 7
             call rbx
             hlt`,
  });
  assertEquals([outcome.stop.reason, outcome.registers.rax], ["HLT", "7"]);
});

Deno.test("a block ends where memory ends", async () => {
  const at = 0xf_fff0n;
  const { stop, instructions } = await runEverywhere({ at, source: "nop\n".repeat(16) });
  assertEquals([stop.reason, stop.pc, instructions], ["INTERNAL_ERROR", 0x10_0000n, 16]);
});

Deno.test("an instruction that memory cuts off is not executed", async () => {
  const guest = { at: 0xf_fffcn, source: "nop\n.byte 0xb8, 1, 2" };
  assertThrows(() => makeVm(guest, "region"), RangeError, "no instruction at 0xffffd");
  for (const executor of ["oracle", "interpreter"] as const) {
    const vm = makeVm(guest, executor);
    const stop = await vm.run();
    assertEquals([stop.reason === "BUDGET", stop.pc, vm.vcpu.instructions], [false, 0xf_fffdn, 1]);
  }
});

Deno.test("an instruction on two memory slots is executed, and noticed when either changes", async () => {
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source: "hlt" }, executor);
    // Apart in linear memory: allocated in the opposite order.
    vm.memory.addSlot({ name: "high", gpa: 0x40_1000, size: 0x1000 });
    vm.memory.addSlot({ name: "low", gpa: 0x40_0000, size: 0x1000 });
    vm.memory.write(0x40_0ffd, Uint8Array.of(0xb8, 1, 2, 3, 4, 0xf4));
    const run = async () => {
      vm.vcpu.pc = 0x40_0ffdn;
      if (executor === "region") vm.compileRegion(vm.vcpu.pc, 6);
      const stop = await vm.run({ instructions: 10 });
      return [stop.reason, vm.vcpu.registers.get("eax").toString(16)];
    };
    assertEquals(await run(), ["HLT", "4030201"]);
    vm.memory.write(0x40_1000, Uint8Array.of(0x33));
    assertEquals(await run(), ["HLT", "4330201"]);
    vm.memory.write(0x40_0ffe, Uint8Array.of(0x11));
    assertEquals(await run(), ["HLT", "4330211"]);
    assertEquals(vm.memory.removeSlot("high"), true);
    vm.vcpu.pc = 0x40_0ffdn;
    assertEquals((await vm.run({ instructions: 10 })).reason === "HLT", false);
  }
});

Deno.test("the program counter wraps at 16 bits in real mode", async () => {
  const { stop, registers, instructions } = await runEverywhere({
    mode: 16,
    at: 0xfffen,
    source: "inc ax\nend_of_region: nop",
    setUp: (vm) => {
      vm.memory.write(0, Uint8Array.of(0x43, 0xf4)); // inc bx; hlt
      vm.memory.write(0xffff, Uint8Array.of(0x41)); // inc cx
    },
  });
  assertEquals([stop.reason, stop.pc, instructions], ["HLT", 2n, 4]);
  assertEquals([registers.eax, registers.ecx, registers.ebx], ["1", "1", "1"]);
});

Deno.test("a jump wraps at 16 bits in real mode and at 32 bits in protected mode", async () => {
  const real = await runEverywhere({
    mode: 16,
    at: 0xfff0n,
    source: ".byte 0xeb, 0x20",
    setUp: (vm) => vm.memory.write(0x12, Uint8Array.of(0xf4)),
  });
  assertEquals([real.stop.reason, real.stop.pc], ["HLT", 0x13n]);
  const flat = await runEverywhere({
    mode: 32,
    at: 0x2000n,
    source: ".byte 0xe9\n.int 0xffffe000", // to 0x5
    setUp: (vm) => vm.memory.write(5, Uint8Array.of(0xf4)),
  });
  assertEquals([flat.stop.reason, flat.stop.pc], ["HLT", 6n]);
  const back = await runEverywhere({ mode: 32, source: ".byte 0xe9\n.int 0xffffd000" });
  assertEquals([back.stop.reason, back.stop.pc], ["INTERNAL_ERROR", 0xffff_f005n]);
});

Deno.test("the last byte of 32-bit memory is followed by the first", async () => {
  for (const executor of ["oracle", "interpreter"] as const) {
    const vm = makeVm({ mode: 32, source: "hlt" }, executor);
    vm.memory.addSlot({ name: "top", gpa: 0xffff_f000, size: 0x1000 });
    vm.memory.write(0xffff_ffff, Uint8Array.of(0x40)); // inc eax
    vm.memory.write(0, Uint8Array.of(0xf4));
    vm.vcpu.pc = 0xffff_ffffn;
    const stop = await vm.run({ instructions: 10 });
    assertEquals([stop.reason, stop.pc, vm.vcpu.registers.get("eax")], ["HLT", 1n, 1n]);
  }
});

Deno.test("the same bytes run right under another code segment", async () => {
  const outcomes = [];
  for (const executor of EXECUTORS) {
    const vm = makeVm({ mode: 16, at: 0x2000n, source: "call f\nhlt\nf: inc ax\nret" }, executor);
    const { registers } = vm.vcpu;
    registers.set("sp", 0x1000);
    const seen = [];
    for (const segment of [0, 0x100, 0, 0x200]) {
      registers.set("cs", segment);
      registers.set("cs_base", segment * 16);
      vm.vcpu.pc = BigInt(0x2000 - segment * 16);
      const stop = await vm.run({ instructions: 20 });
      seen.push(`${stop.reason} ${stop.pc.toString(16)} ${registers.get("ax")}`);
    }
    outcomes.push(seen);
  }
  assertEquals(outcomes[0], ["HLT 2004 1", "HLT 1004 2", "HLT 2004 3", "HLT 4 4"]);
  assertEquals(outcomes[1], outcomes[0]);
  assertEquals(outcomes[2], outcomes[0]);
});

Deno.test("a far return to an offset of the region, but of another segment, leaves the region", async () => {
  const source = `
        push 0x100
        push back
        jmp leave
  back: mov ax, 1
        hlt
  leave: retf
  `;
  for (const executor of EXECUTORS) {
    const vm = makeVm({ mode: 16, at: 0x2000n, source }, executor);
    vm.vcpu.registers.set("sp", 0x1800);
    const back = vm.symbols.lookup("back")!;
    vm.memory.write(back + 0x1000n, vm.assemble("mov ax, 2\nhlt", back).bytes);
    const stop = await vm.run({ instructions: 20 });
    assertEquals([stop.reason, vm.vcpu.registers.get("ax"), vm.vcpu.registers.get("cs")], [
      "HLT",
      2n,
      0x100n,
    ]);
  }
});

Deno.test("calls and returns inside a region stay in it, and stop where they should", async () => {
  const source = `
        mov esp, 0x8000
        mov eax, 12
        call fib
        hlt
  fib:  cmp eax, 2
        jb small
        push eax
        dec eax
        call fib
        xchg eax, dword ptr [esp]
        sub eax, 2
        call fib
        pop ecx
        add eax, ecx
  small: ret
  `;
  const outcomes = [];
  for (const executor of EXECUTORS) {
    const vm = makeVm({ mode: 32, source }, executor);
    const seen = [];
    for (
      let stop = await vm.run({ instructions: 137 });
      seen.length < 100;
      stop = await vm.run({ instructions: 137 })
    ) {
      seen.push(`${stop.reason} ${stop.pc} ${vm.vcpu.cycles} ${vm.vcpu.registers.get("eax")}`);
      if (stop.reason === "HLT") break;
    }
    outcomes.push(seen);
  }
  assertEquals(outcomes[0].at(-1)!.endsWith(" 144"), true);
  assertEquals(outcomes[1], outcomes[0]);
  assertEquals(outcomes[2], outcomes[0]);
});

Deno.test("memory slots come and go under cached code", async () => {
  for (const executor of EXECUTORS) {
    const vm = makeVm({ source: "hlt" }, executor);
    const code = (n: number) => Uint8Array.of(0xb8, n, 0, 0, 0, 0xf4);
    const run = async () => {
      vm.vcpu.pc = 0x50_0000n;
      if (executor === "region" && vm.memory.holds(0x50_0000, 6)) vm.compileRegion(vm.vcpu.pc, 6);
      return [(await vm.run({ instructions: 9 })).reason, vm.vcpu.registers.get("eax")];
    };
    for (const n of [1, 2]) {
      vm.memory.addSlot({ name: "rom", gpa: 0x50_0000, size: 0x1000, readOnly: n === 2 });
      vm.memory.write(0x50_0000, code(n));
      assertEquals(await run(), ["HLT", BigInt(n)]);
      assertEquals(vm.memory.removeSlot("rom"), true);
      assertEquals(await run(), ["INTERNAL_ERROR", BigInt(n)]);
    }
    // The slot's room is handed out again, zeroed.
    vm.memory.addSlot({ name: "rom", gpa: 0x60_0000, size: 0x1000 });
    assertEquals(vm.memory.read(0x60_0000, 6), new Uint8Array(6));
  }
});

Deno.test("two VMs do not influence each other", async () => {
  const program = (n: number) =>
    `mov ecx, ${n}\nagain: add eax, ${n}\ndec ecx\njne again\nmov [0x5000], eax\nhlt`;
  const alone = [3, 5].map((n) => makeVm({ source: program(n) }, "interpreter"));
  const ends = [];
  for (const vm of alone) ends.push(outcome(vm, await vm.run()));
  const together = [3, 5].map((n) => makeVm({ source: program(n) }, n === 3 ? "interpreter" : "region"));
  const done = await Promise.all(together.map((vm) => vm.run()));
  assertEquals(together.map((vm, i) => outcome(vm, done[i])), ends);
  assertEquals(together.map((vm) => vm.memory.read(0x5000, 1)[0]), [9, 25]);
});

Deno.test("compileRegion() refuses what it cannot compile", () => {
  const vm = makeVm({ source: "hlt" }, "interpreter");
  assertThrows(() => vm.compileRegion(0xffff_0000n, 10), RangeError, "no instruction at 0xffff0000");
  vm.memory.write(0x4000, new Uint8Array(300).fill(0x90));
  assertThrows(() => vm.compileRegion(0x4000n, 300), RangeError, "at most 200 instructions");
  assertThrows(
    () => makeVm({ source: "hlt" }, "oracle").compileRegion(ORIGIN, 1),
    TypeError,
    "regions need the interpreter engine",
  );
});
