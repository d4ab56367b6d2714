import { assertEquals } from "@std/assert";
import { STATE } from "../../../emulator/ir/layout.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { crField, gpr, MSR, readCr, readXer, SLOT, writeCr, writeXer } from "../../../emulator/ppc/state.ts";
import { createState } from "../../support/named_state.ts";

Deno.test("readCr() and writeCr() put field 0 on top", () => {
  const state = createState();
  writeCr(state, 0x1234_5678n);
  assertEquals([0, 3, 7].map((field) => state.get64(crField(field))), [1n, 4n, 8n]);
  assertEquals(readCr(state), 0x1234_5678n);
});

Deno.test("readXer() and writeXer() keep what the manual defines", () => {
  const state = createState();
  writeXer(state, 0xffff_ffffn);
  assertEquals(readXer(state), 0xe000_007fn);
  writeXer(state, 0x4000_0005n);
  assertEquals(readXer(state), 0x4000_0005n);
});

Deno.test("registers lie in the ISA's part of the state, none in another's slot", () => {
  for (const mode of [32, 64] as const) {
    const { registers, reset } = ppcIsa(mode);
    const offsets = registers.filter(({ name }) => name !== "pc").map(({ offset }) => offset);
    assertEquals(offsets.filter((offset) => offset < STATE.isa || offset + 8 > STATE.end), []);
    assertEquals(new Set(offsets).size, offsets.length);
    assertEquals(registers.find(({ name }) => name === "r31")?.offset, gpr(31));
    assertEquals(((reset.get(SLOT.msr) ?? 0n) & MSR.SF) !== 0n, mode === 64);
  }
});
