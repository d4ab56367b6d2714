/** Registers by name, and EFLAGS made of and turned into its lazy form. */
import { assertEquals } from "@std/assert";
import { x86Isa } from "../../../emulator/x86/isa.ts";
import { ARITHMETIC, composeFlags, REST, setFlags } from "../../../emulator/x86/flag_bits.ts";
import { gpr, RES } from "../../../emulator/x86/slots.ts";
import { createState } from "../../support/named_state.ts";

Deno.test("setFlags() and composeFlags() agree on every combination", () => {
  const state = createState();
  const bits = [1n, 4n, 0x10n, 0x40n, 0x80n, 0x800n, 0x200n, 0x400n];
  for (let i = 0; i < 1 << bits.length; i++) {
    const value = bits.reduce((sum, bit, n) => i >> n & 1 ? sum | bit : sum, 2n);
    setFlags(state, value);
    assertEquals(composeFlags(state), value);
  }
  setFlags(state, -1n);
  assertEquals(composeFlags(state), ARITHMETIC | REST | 2n);
});

Deno.test("registers have unique names and the widths of their mode", () => {
  for (const mode of [16, 32, 64] as const) {
    const { registers } = x86Isa(mode);
    assertEquals(new Set(registers.map((r) => r.name)).size, registers.length);
    const names = registers.filter((r) => r.group === "general").map((r) => r.name);
    assertEquals(names.slice(0, 3), mode === 64 ? ["rax", "rcx", "rdx"] : ["eax", "ecx", "edx"]);
    assertEquals(names.length, mode === 64 ? 16 : 8);
  }
  const find = (name: string) => x86Isa(64).registers.find((r) => r.name === name);
  assertEquals([find("ah")?.offset, find("ah")?.width], [gpr(0) + 1, 8]);
  assertEquals([find("r9d")?.offset, find("r9d")?.width], [gpr(9), 32]);
});

Deno.test("eflags reads as 2 after reset", () => {
  for (const mode of [16, 32, 64] as const) {
    const state = createState(), isa = x86Isa(mode);
    for (const [offset, value] of isa.reset) state.set64(offset, value);
    const eflags = isa.registers.find((r) => r.name === "eflags");
    assertEquals(eflags?.get?.(state), 2n);
    eflags?.set?.(state, 0x8d7n);
    assertEquals([eflags?.get?.(state), state.get64(RES)], [0x8d7n, 0n]);
  }
});

Deno.test("the 16-bit flags register leaves the upper half of eflags alone", () => {
  const state = createState(), isa = x86Isa(16);
  const register = (name: string) => isa.registers.find((r) => r.name === name);
  register("eflags")?.set?.(state, 0x20_0001n);
  register("flags")?.set?.(state, 0x40n);
  assertEquals(composeFlags(state), 0x20_0042n);
});
