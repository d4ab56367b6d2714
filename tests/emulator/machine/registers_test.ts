/** Registers by name: parts, ranges, and what a write does to the rest. */
import { assertEquals, assertThrows } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";

Deno.test("parts of x86 registers are where they belong", () => {
  const { registers } = createVm({ arch: "x86" }).vcpu;
  registers.set("rax", 0x1122_3344_5566_7788n);
  assertEquals(["eax", "ax", "al", "ah"].map((name) => registers.get(name)), [
    0x5566_7788n,
    0x7788n,
    0x88n,
    0x77n,
  ]);
  registers.set("al", 1);
  registers.set("ah", 2);
  assertEquals(registers.get("rax"), 0x1122_3344_5566_0201n);
  registers.set("ax", -1);
  assertEquals(registers.get("rax"), 0x1122_3344_5566_ffffn);
  // As the processor does it.
  registers.set("eax", 5);
  assertEquals(registers.get("RAX"), 5n);
});

Deno.test("set() takes signed and unsigned values that fit, and no others", () => {
  const { registers } = createVm({ arch: "x86" }).vcpu;
  for (const [name, width] of [["al", 8n], ["ax", 16n], ["eax", 32n], ["rax", 64n]] as const) {
    for (const value of [0n, 2n ** width - 1n, -(2n ** (width - 1n))]) {
      registers.set(name, value);
      assertEquals(registers.get(name), BigInt.asUintN(Number(width), value));
    }
    for (const value of [2n ** width, -(2n ** (width - 1n)) - 1n]) {
      assertThrows(
        () => registers.set(name, value),
        RangeError,
        `does not fit ${name}, which has ${width} bits`,
      );
    }
  }
  assertThrows(() => registers.set("rax", 1.5), RangeError);
  assertThrows(() => registers.get("eex"), RangeError, "there is no register eex: there are pc, rax");
  assertThrows(() => registers.set("constructor", 1), RangeError, "there is no register constructor");
});

Deno.test("the program counter has all its names", () => {
  const x86 = createVm({ arch: "x86" }).vcpu;
  x86.registers.set("rip", 0x1234_5678_9abcn);
  assertEquals([x86.pc, x86.registers.get("pc"), x86.registers.get("eip")], [
    0x1234_5678_9abcn,
    0x1234_5678_9abcn,
    0x5678_9abcn,
  ]);
  const flat = createVm({ arch: "x86", mode: 32 }).vcpu;
  flat.pc = 0x1_2345_6789n;
  assertEquals(flat.registers.get("eip"), 0x2345_6789n);
  const ppc = createVm({ arch: "ppc", mode: 32 }).vcpu;
  ppc.registers.set("pc", 0x1000);
  assertEquals(ppc.pc, 0x1000n);
});

Deno.test("a segment register in real mode has its base set with it", () => {
  const { registers } = createVm({ arch: "x86", mode: 16 }).vcpu;
  for (const name of ["cs", "ds", "es", "ss"]) {
    registers.set(name, 0x1234);
    assertEquals(registers.get(`${name}_base`), 0x1_2340n, name);
  }
});

Deno.test("flags and condition registers are seen as the manuals draw them", () => {
  const { registers } = createVm({ arch: "x86" }).vcpu;
  registers.set("eflags", 0x8d7);
  assertEquals(registers.get("eflags"), 0x8d7n);
  const ppc = createVm({ arch: "ppc" }).vcpu.registers;
  ppc.set("cr", 0x8421_f00fn);
  ppc.set("xer", 0xe000_007f);
  assertEquals([ppc.get("cr"), ppc.get("xer")], [0x8421_f00fn, 0xe000_007fn]);
});

Deno.test("every register can be set and read back", () => {
  for (const [arch, mode] of [["x86", 16], ["x86", 32], ["x86", 64], ["ppc", 32], ["ppc", 64]] as const) {
    const { registers } = createVm({ arch, mode }).vcpu;
    for (const { name, width, group } of registers.list()) {
      if (group === "flags" || /^[er]?flags$/.test(name)) continue;
      // These two say which mode it is, and with it which registers there are.
      const isMode = name === "cr0" || name === "efer";
      const value = isMode ? registers.get(name) ^ 8n : 0x1122_3344_5566_7788n & ((1n << BigInt(width)) - 1n);
      registers.set(name, value);
      assertEquals(registers.get(name), value, `${arch}-${mode} ${name}`);
    }
    assertEquals(new Set(registers.names).size, registers.names.length);
  }
});

Deno.test("restoreState() puts every register back, and time goes on", async () => {
  const vm = createVm({ arch: "x86" });
  vm.load(vm.assemble("inc eax\ninc eax\nhlt"));
  await vm.run({ instructions: 1 });
  const state = vm.vcpu.saveState();
  await vm.run();
  const { cycles, instructions } = vm.vcpu;
  vm.vcpu.restoreState(state);
  assertEquals([vm.vcpu.pc, vm.vcpu.registers.get("eax")], [0x1002n, 1n]);
  assertEquals([vm.vcpu.cycles, vm.vcpu.instructions], [cycles, instructions]);
  assertEquals([(await vm.run()).reason, vm.vcpu.instructions - instructions], ["HLT", 2]);
});
