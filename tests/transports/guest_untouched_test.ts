/** A guest of the user's does not notice calls; in the middle of its exits they are refused. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Vm } from "../../emulator/machine/vm.ts";
import { CELLS, machine, opened, pattern, VIAS } from "./cells.ts";
import { recorder } from "./recorder.ts";

/** A seeded generator of 64-bit numbers. */
function random(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return state ^ (state >> 29n);
  };
}

function scramble(vm: Vm, next: () => bigint): void {
  for (const { name, width, group } of vm.vcpu.registers.list()) {
    if (group === "general") vm.vcpu.registers.set(name, BigInt.asUintN(width, next()));
  }
  if (vm.arch === "x86") vm.vcpu.registers.set(vm.mode === 64 ? "rflags" : "eflags", next() & 0x8d5n | 2n);
  else vm.vcpu.registers.set("cr", next() & 0xffff_ffffn);
  vm.vcpu.pc = 0x1234n & ~3n;
}

for (const cell of CELLS) {
  Deno.test(`a call on ${cell.name} leaves every register and all of the guest's RAM as it was`, async () => {
    const { device } = recorder();
    const { vm, io } = machine(cell, device);
    const next = random(42n);
    vm.memory.write(0, pattern(0x8000));
    const ram = vm.memory.read(0, 0x8000);
    for (const via of VIAS) {
      const handle = await io.open("dut", { via });
      scramble(vm, next);
      const before = vm.vcpu.registers.list();
      const pc = vm.vcpu.pc;
      await handle.call(1, pattern(64));
      await handle.call(1, 5);
      await handle.write(0, 4, 1);
      assertEquals(vm.vcpu.registers.list(), before);
      assertEquals(vm.vcpu.pc, pc);
      device.call = () => {
        throw new Error("no");
      };
      await assertRejects(() => handle.call(1, 5));
      device.call = (_fn, data) => data;
      assertEquals(vm.vcpu.registers.list(), before);
      assertEquals(vm.vcpu.pc, pc);
    }
    assertEquals(vm.memory.read(0, 0x8000), ram);
  });
}

Deno.test("a call from inside a device's handler is refused, and the call that it is in goes on", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      const { device } = recorder();
      const { io } = machine(cell, device);
      const handle = await io.open("dut", { via });
      const errors: string[] = [];
      device.call = async () => {
        await handle.call(2).catch((error) => errors.push(error.message));
        await handle.read(0, 4).catch((error) => errors.push(error.message));
        return 7;
      };
      assertEquals((await handle.call(1))[0], 7);
      assertEquals(errors.length, 2);
      for (const message of errors) assertStringIncludes(message, "refused, the vCPU is in the middle");
    }
  }
});

Deno.test("two calls at once: the second is refused", async () => {
  const { device } = recorder();
  const { io } = machine(CELLS[0], device);
  const handle = await io.open("dut");
  const first = handle.call(1, 1);
  await assertRejects(() => handle.call(1, 2), Error, "refused");
  assertEquals((await first)[0], 1);
  assertEquals((await handle.call(1, 3))[0], 3);
});

Deno.test("async handlers: time and instructions stand still, and nothing is repeated", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const data of ["words", "descriptor"] as const) {
        const seen: [number, number][] = [];
        let calls = 0;
        const { device } = recorder();
        const { vm, handle } = await opened(cell, device, via, data);
        device.call = async (_fn, bytes) => {
          calls++;
          await Promise.resolve();
          const now = vm.vcpu.cycles;
          for (let i = 0; i < 3; i++) await Promise.resolve();
          seen.push([now, vm.vcpu.cycles]);
          return bytes.toReversed();
        };
        assertEquals([...await handle.call(1, pattern(20))], [...pattern(20).toReversed()]);
        assertEquals(calls, 1);
        assert(seen.every(([before, after]) => before === after));
        device.read = (offset) => new Promise((resolve) => setTimeout(() => resolve(offset + 1), 1));
        vm.exits.reset();
        assertEquals(await handle.read(4, 4), 5n);
        assertEquals(vm.exits.count, 1);
      }
    }
  }
});

Deno.test("a handler that never answers can be given up, and the session goes on", async () => {
  for (const via of VIAS) {
    const { device } = recorder(() => new Promise<number>(() => {}));
    const { vm, handle } = await opened(CELLS[0], device, via);
    const before = vm.vcpu.registers.list();
    const gone = new AbortController();
    setTimeout(() => gone.abort(), 5);
    await assertRejects(() => handle.call(1, 1, { signal: gone.signal }), Error, "INTERRUPTED");
    device.call = () => 3;
    assertEquals((await handle.call(1, 1))[0], 3);
    assertEquals(vm.vcpu.registers.list(), before);
  }
});

Deno.test("a handler that throws rejects with device and fn, and the session goes on", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const data of ["words", "descriptor"] as const) {
        const { device } = recorder((fn) => {
          if (fn === 1) throw new Error("out of paper");
          if (fn === 2) return Promise.reject(new TypeError("late"));
          return 9;
        });
        const { handle } = await opened(cell, device, via, data);
        const error = await assertRejects(() => handle.call(1, 1), Error, "out of paper");
        assertStringIncludes(error.message, 'call(fn 1) of device "dut"');
        await assertRejects(() => handle.call(2, 1), Error, "late");
        assertEquals((await handle.call(3, 1))[0], 9);
        device.read = () => {
          throw new Error("no such page");
        };
        const read = await assertRejects(() => handle.read(4, 4), Error, "no such page");
        assertStringIncludes(read.message, 'read(4, 4) of device "dut"');
      }
    }
  }
});

Deno.test("a call while the user's guest waits in an exit is refused, and the guest goes on", async () => {
  for (const cell of CELLS) {
    const { device } = recorder();
    const { vm, io } = machine(cell, device);
    const handle = await io.open("dut", { via: "hypercall" });
    let answer = (_value: number) => {};
    device.read = () => new Promise<number>((resolve) => answer = resolve);
    const { gpa } = vm.devices.get("dut")!.window;
    const loads = {
      "x86-64": `mov edi, ${gpa}\n mov eax, [rdi]\n hlt`,
      "x86-32": `mov edi, ${gpa}\n mov eax, [edi]\n hlt`,
      "x86-16": `mov edi, ${gpa & 15}\n mov eax, [di]\n hlt`,
      "ppc": `li r3, 0\n oris r3, r3, ${gpa >>> 16}\n ori r3, r3, ${gpa & 0xffff}\n ${
        vm.isa.order === "be" ? "lwbrx r4, 0, r3" : "lwz r4, 0(r3)"
      }\n1: b 1b`,
    };
    vm.load(vm.assemble(loads[vm.arch === "ppc" ? "ppc" : vm.isa.name as "x86-64"], 0x1000n));
    if (vm.mode === 16) vm.vcpu.registers.set("ds_base", BigInt(gpa & ~15));
    const running = vm.run({ instructions: 10 });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await assertRejects(() => handle.call(1, 1), Error, "refused, the vCPU is in the middle");
    answer(0x55);
    const stop = await running;
    assertEquals(stop.reason, vm.arch === "ppc" ? "BUDGET" : "HLT", cell.name);
    assertEquals(vm.vcpu.registers.get(vm.arch === "ppc" ? "r4" : vm.mode === 64 ? "rax" : "eax"), 0x55n);
    assertEquals((await handle.call(1, 9))[0], 9);
  }
});

Deno.test("the late answer of a call that was given up changes nothing", async () => {
  for (const data of ["words", "descriptor"] as const) {
    for (const via of VIAS) {
      let answer = (_value: Uint8Array) => {};
      const { device } = recorder(() => new Promise<Uint8Array>((resolve) => answer = resolve));
      const { handle } = await opened(CELLS[0], device, via, data);
      const gone = new AbortController();
      setTimeout(() => gone.abort(), 1);
      await assertRejects(() => handle.call(1, 1, { signal: gone.signal }), Error, "INTERRUPTED");
      device.call = async () => {
        answer(Uint8Array.of(1, 1, 1));
        await new Promise((resolve) => setTimeout(resolve, 1));
        return Uint8Array.of(2, 2);
      };
      assertEquals([...await handle.call(2, 1)], [2, 2]);
      assertEquals([...await handle.call(3, 1)], [2, 2]);
    }
  }
});

Deno.test("a guest with calls in between its slices ends as one without", async () => {
  const sum = {
    x86: "mov ecx, 200\n mov eax, 0\n again: add eax, ecx\n mov [0x700], eax\n sub ecx, 1\n jnz again\n hlt",
    ppc: `li r3, 200\n li r4, 0\n mtctr r3\n li r6, 0\n again: mfctr r5\n add r4, r4, r5\n stw r4, 0x700(r6)
      bdnz again\n end: b end`,
  };
  for (const cell of CELLS) {
    const ends: string[] = [];
    for (const calls of [false, true]) {
      const { device } = recorder();
      const { vm, io } = machine(cell, device);
      const handles = await Promise.all(VIAS.map((via) => io.open("dut", { via })));
      // In real mode the stubs' offsets begin at 0 as well, in a segment of their own.
      const program = vm.assemble(sum[vm.arch], 0n);
      vm.load(program);
      for (let slice = 0; slice < 130; slice++) {
        const stop = await vm.run({ instructions: 7 });
        if (stop.reason !== "BUDGET") break;
        if (calls) await handles[slice % 3].call(slice, pattern(slice % 40));
      }
      const registers = vm.vcpu.registers.list().map(({ name, value }) => `${name}=${value.toString(16)}`);
      ends.push(`${registers.join(" ")} ${vm.vcpu.pc} ${vm.memory.read(0x700, 4)}`);
      assertEquals(BigInt.asUintN(32, vm.vcpu.registers.get(vm.arch === "ppc" ? "r4" : "eax")), 20100n);
    }
    assertEquals(ends[1], ends[0], cell.name);
  }
});
