/** What the decoder refuses, and how it says so; what it makes of prefixes. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseHexBytes } from "../../../emulator/isa/example.ts";
import { OpcodeTable } from "../../../emulator/x86/opcode_table.ts";
import { encodingsOf } from "../../../emulator/x86/record.ts";
import { DEFINITIONS } from "../../../emulator/x86/definitions/all.ts";
import { x86Isa, x86IsaOf } from "../../../emulator/x86/isa.ts";
import type { Mode } from "../../../emulator/x86/registers.ts";
import { usualVariant, type VariantName, variantNamed } from "../../../emulator/x86/variant.ts";
import { gpr } from "../../../emulator/x86/slots.ts";
import { opcodeSamples } from "./samples.ts";

const REFUSALS: readonly [mode: Mode, bytes: string, reason: string][] = [
  [64, "0f b8 c0", "opcode 0f b8 is not implemented"],
  [64, "0f c7 f0", "opcode 0f c7 /6 is not implemented (rdrand, rdseed or rdpid)"],
  [64, "0f 10 00", "opcode 0f 10 is not implemented (SSE or MMX)"],
  [64, "d9 c0", "opcode d9 is not implemented (x87)"],
  [64, "0f 34", "opcode 0f 34 is not implemented (sysenter)"],
  [64, "c5 f8 77", "opcode c5 is not implemented (AVX)"],
  [64, "f3 0f bd c0", "prefix f3 (REP) on opcode 0f bd is not implemented"],
  [64, "f2 0f 10 00", "prefix f2 (REPNE) on opcode 0f 10 is not implemented"],
  [64, "f0 89 00", "prefix f0 (LOCK) is not allowed on mov"],
  [64, "f0 01 c0", "prefix f0 (LOCK) on add needs a memory destination"],
  [64, "f0 03 00", "prefix f0 (LOCK) on add needs a memory destination"],
  [64, "66 0f 01 c1", "operand-size prefix 66 on vmcall is not implemented"],
  [64, "66 0f c8", "opcode 66 0f c8 is not implemented"],
  [64, "8b", "instruction is cut off after 1 bytes"],
  [64, "e8 00 00", "instruction is cut off after 3 bytes"],
  [64, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90", "instruction is longer than 15 bytes"],
  [64, "40", "instruction is cut off after 1 bytes"],
  [64, "06", "opcode 06 is not implemented (push es)"],
  [32, "0f 22 c8", "control register 1 does not exist"],
  [32, "62 c0", "opcode 62 /0 is not implemented (bound or EVEX)"],
  [16, "8e c8", "mov to cs is not a valid instruction: use a far jump"],
  [16, "8e f0", "segment register 6 does not exist"],
  [16, "66 e9 00 00 01 00", "branch target 11006 is beyond the 64 KiB of a real-mode segment"],
];

Deno.test("decode() says what is wrong with bytes", () => {
  for (const [mode, hex, reason] of REFUSALS) {
    const result = x86Isa(mode).decode(parseHexBytes(hex), 0x1000n);
    assertEquals("undecodable" in result ? result.reason : result.form.name, reason, `${mode}: ${hex}`);
    assertEquals(x86Isa(mode).disassemble(parseHexBytes(hex), 0x1000n), undefined);
    assertEquals(result.length >= 1, true);
  }
});

Deno.test("decode() takes no bytes at all as cut off", () => {
  assertEquals(x86Isa(64).decode(new Uint8Array(), 0n), {
    undecodable: true,
    length: 1,
    reason: "instruction is cut off after 0 bytes",
    truncated: true,
  });
});

Deno.test("decode() forgets a REX prefix that is not last", () => {
  assertEquals(x86Isa(64).disassemble(parseHexBytes("48 66 01 d8"), 0n)?.text, "add ax, bx");
  assertEquals(x86Isa(64).disassemble(parseHexBytes("66 48 01 d8"), 0n)?.text, "add rax, rbx");
});

Deno.test("decode() addresses ah by the second byte of rax, and spl by rsp with REX", () => {
  const slots = (hex: string) => {
    const result = x86Isa(64).decode(parseHexBytes(hex), 0n);
    return "undecodable" in result ? [] : result.values;
  };
  assertEquals(slots("88 c4"), [gpr(0) + 1, gpr(0)]);
  assertEquals(slots("40 88 c4"), [gpr(4), gpr(0)]);
});

Deno.test("decode() wraps branch targets at the mode's width", () => {
  const target = (mode: Mode, hex: string, pc: bigint) => {
    const result = x86Isa(mode).decode(parseHexBytes(hex), pc);
    return "undecodable" in result ? undefined : result.values[0];
  };
  assertEquals(target(16, "eb 10", 0xfff8n), 0xan);
  assertEquals(target(32, "eb 10", 0xffff_fff8n), 0xan);
  assertEquals(target(32, "66 e9 00 00", 0x1_2345n), 0x2349n);
  assertEquals(target(64, "eb f0", 0n), -14n);
});

Deno.test("encodingsOf() refuses malformed records", () => {
  const broken = (encodings: Record<string, string>) => () => encodingsOf({ ...DEFINITIONS[0], encodings });
  assertThrows(broken({ "0g": "" }), TypeError, 'encoding "0g" of');
  assertThrows(broken({ "00": "Qy" }), TypeError, 'operand code "Qy" is unknown');
  assertThrows(broken({ "00": "; o8" }), TypeError, 'attribute "o8" is unknown');
});

Deno.test("OpcodeTable() refuses an opcode that is taken", () => {
  const twice = { ...DEFINITIONS[0], mnemonic: "again", encodings: { "00": "Eb,Gb" } };
  assertThrows(
    () => new OpcodeTable(usualVariant(64), [...DEFINITIONS, twice].flatMap(encodingsOf)),
    TypeError,
    "of again is already taken in x86-64",
  );
});

const INVALID: readonly [names: string, bytes: string][] = [
  ["16 16v", "63 c8"],
  ["16 16v", "0f 00 c0"],
  ["16 16v", "0f 00 d8"],
  ["16 16v", "0f 02 c1"],
  ["16 16v", "0f 00 e8"],
  ["16 16v", "c5 f8 77"],
  ["16 16p 32 32s 64", "0f 00 f0"],
  ["16 16p 32 32s 64", "0f ff c0"],
  ["16 16p 32 32s 64", "f0 0f 10 00"],
  ["16 16p 32 32s 64", "f0 89 00"],
  ["16 16p 32 32s 64", "f0 63 c8"],
  ["16 16p 32 32s 64", "8d c0"],
  ["16 16p 32", "0f 01 f8"],
  ["64", "06"],
  ["64", "ea 00 00 00 00 00 00"],
];
const NOT_INVALID: readonly [names: string, bytes: string][] = [
  ["16p 16p-ss32 32 32s 32s-ss16 64", "c5 f8 77"],
  ["16 16p 32s 64", "0f 10 00"],
  ["16 16p 32s 64", "d9 c0"],
  ["16 16p 32s 64", "c6 f8 00"],
  ["32s 64", "8b"],
];

Deno.test("decode() tells what the architecture refuses from what is missing here, in every variant", () => {
  const verdict = (name: string, hex: string) => {
    const result = x86IsaOf(variantNamed(`x86-${name}` as VariantName)).decode(parseHexBytes(hex), 0n);
    return "undecodable" in result ? result.invalid ?? false : "decoded";
  };
  for (const [list, expected] of [[INVALID, true], [NOT_INVALID, false]] as const) {
    for (const [names, hex] of list) {
      for (const name of names.split(" ")) assertEquals(verdict(name, hex), expected, `${name}: ${hex}`);
    }
  }
  for (const name of ["16p", "32", "32s"]) assertEquals(verdict(name, "63 c8"), "decoded");
  for (const name of ["16p", "32", "32s", "64"]) assertEquals(verdict(name, "0f 00 e8"), "decoded");
});

for (const variant of ["x86-16", "x86-16p", "x86-32", "x86-32s", "x86-64"] as const) {
  Deno.test(`${variant}: what is not relative to its address decodes to the same anywhere`, () => {
    const isa = x86IsaOf(variantNamed(variant));
    let relative = 0;
    for (const bytes of opcodeSamples(variantNamed(variant).mode)) {
      const here = isa.decode(bytes, 0x100n), there = isa.decode(bytes, 0xedcn);
      if ("undecodable" in here || "undecodable" in there) continue;
      if (here.relative) relative++;
      else assertEquals([there.form, there.length, there.values], [here.form, here.length, here.values]);
    }
    assertEquals(relative > 10, true);
  });
}
