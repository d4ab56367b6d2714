import { assertEquals } from "@std/assert";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { expand, ppc } from "../../../emulator/ppc/definition.ts";
import { foreignClashes } from "../../../emulator/ppc/foreign.ts";
import { parsePattern } from "../../../emulator/ppc/fields.ts";
import { mask32, mask64 } from "../../../emulator/ppc/operands.ts";
import { STATE } from "../../../emulator/ir/layout.ts";
import { gpr } from "../../../emulator/ppc/state.ts";
import { DEFINITIONS, DefinitionTable } from "../../../emulator/ppc/table.ts";
import { assertThrows } from "@std/assert";
import { randomNumbers, randomWord } from "./random_words.ts";

function bytesOf(word: number): Uint8Array {
  return Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
}

function reasonOf(word: number, mode: 32 | 64): string | undefined {
  const decoded = ppcIsa(mode).decode(bytesOf(word), 0x1000n);
  return "undecodable" in decoded ? decoded.reason : undefined;
}

Deno.test("decode() says why it does not decode", () => {
  assertEquals(
    reasonOf(0x7c60_2a6c, 64),
    "eciwx (primary opcode 31, extended 310) is not implemented (word 7c602a6c)",
  );
  assertEquals(
    reasonOf(0xf003_282a, 64),
    "a VSX instruction (primary opcode 60, extended 21) is not implemented (word f003282a)",
  );
  assertEquals(reasonOf(0, 32), "primary opcode 0 is no instruction of this processor (word 00000000)");
  assertEquals(
    reasonOf(0xe861_0000, 32),
    "ld is an instruction of 64-bit implementations; this one is 32-bit",
  );
  assertEquals(
    reasonOf(0x4c00_0064, 64),
    "rfi is an instruction of 32-bit implementations; this one is 64-bit",
  );
  assertEquals(reasonOf(0x7c23_2000, 32), "cmp: L=1 (a comparison of doublewords) needs mode 64");
  assertEquals(reasonOf(0x8c60_0000, 64), "lbzu: RA=0 is invalid with update");
  assertEquals(reasonOf(0x8c63_0000, 64), "lbzu: RA=RT is invalid with update");
  assertEquals(reasonOf(0x7c60_0026 | 0x800, 32), "mfcr: reserved bits are set (00000800)");
});

Deno.test("decode() wants four bytes", () => {
  assertEquals(ppcIsa(32).decode(bytesOf(0x6000_0000).subarray(0, 3), 0n), {
    undecodable: true,
    length: 3,
    reason: "an instruction has 4 bytes and only 3 are there",
  });
});

Deno.test("decode() stores slots, immediates and targets", () => {
  const valuesOf = (word: number, mode: 32 | 64, pc: bigint) => {
    const decoded = ppcIsa(mode).decode(bytesOf(word), pc);
    return "undecodable" in decoded ? decoded.reason : [decoded.form.name, ...decoded.values];
  };
  assertEquals(valuesOf(0x8061_0008, 32, 0n), ["lwz", gpr(3), gpr(1), 8]);
  assertEquals(valuesOf(0x8060_fff8, 64, 0n), ["lwz", gpr(3), STATE.zero, -8]);
  assertEquals(valuesOf(0x4bff_fff8, 32, 0n), ["b", 0xffff_fff8n]);
  assertEquals(valuesOf(0x4bff_fff8, 64, 0n), ["b", 0xffff_ffff_ffff_fff8n]);
  assertEquals(valuesOf(0x4800_0009, 32, 0xffff_fffcn), ["bl", 4n]);
});

Deno.test("mask32() and mask64() wrap around", () => {
  assertEquals(mask32(0, 31) >>> 0, 0xffff_ffff);
  assertEquals(mask32(28, 3) >>> 0, 0xf000_000f);
  assertEquals(mask32(16, 23) >>> 0, 0x0000_ff00);
  assertEquals(mask64(0, 63), 0xffff_ffff_ffff_ffffn);
  assertEquals(mask64(60, 3), 0xf000_0000_0000_000fn);
  assertEquals(mask64(48, 55), 0xff00n);
});

Deno.test("parsePattern() refuses what is not 32 bits or out of place", () => {
  assertThrows(() => parsePattern("D-form: 14 RT RA"), TypeError, "16 bits instead of 32");
  assertThrows(() => parsePattern("D-form: 14 RA RT SI"), TypeError, "RA does not start at bit 6");
  assertThrows(() => parsePattern("D-form: 14 RT RX SI"), TypeError, 'unknown cell "RX"');
});

Deno.test("DefinitionTable() refuses patterns that overlap", () => {
  const copy = ppc("copy", { ...DEFINITIONS[0], pattern: "D-form: 14 RT RA0 UI" });
  assertThrows(
    () => new DefinitionTable([...DEFINITIONS, copy]),
    TypeError,
    "patterns of addi and copy overlap",
  );
});

Deno.test("instructions known by name alone are no others' words", () => {
  assertEquals(foreignClashes(DEFINITIONS.filter(({ only }) => only !== 64)), []);
  assertEquals(ppcIsa(32).disassemble(bytesOf(0x7c64_2a11), 0n)?.text, "doz. r3, r4, r5");
  assertEquals(ppcIsa(64).disassemble(bytesOf(0x7c64_2a11), 0n), undefined);
  assertEquals(
    reasonOf(0x7c64_2a11, 32),
    "doz. (primary opcode 31, extended 264) is no instruction of this processor (word 7c642a11)",
  );
});

Deno.test("forms stay few", () => {
  // The interpreter's compile time grows faster than its handlers: 500 take it 66 ms.
  assertEquals([ppcIsa(32).forms.length <= 330, ppcIsa(64).forms.length <= 450], [true, true]);
  assertEquals(expand(DEFINITIONS[0], 64).forms.length, 1);
});

for (const mode of [32, 64] as const) {
  Deno.test(`ppc${mode}: what is not relative to its address decodes to the same anywhere`, () => {
    const isa = ppcIsa(mode), next = randomNumbers(32 + mode), relative = new Set<string>();
    for (const definition of DEFINITIONS) {
      for (let i = 0; i < 8; i++) {
        const bytes = bytesOf(randomWord(definition, next));
        const here = isa.decode(bytes, 0x100n), there = isa.decode(bytes, 0x2edcn);
        if ("undecodable" in here || "undecodable" in there) continue;
        if (here.relative) relative.add(definition.mnemonic);
        else assertEquals([there.form, there.values], [here.form, here.values]);
      }
    }
    assertEquals([...relative].sort(), ["b", "bc"]);
  });
}
