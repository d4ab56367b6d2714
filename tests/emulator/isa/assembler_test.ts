import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { assemble, type AssembleOptions } from "../../../emulator/isa/assembler.ts";
import { AssemblyError } from "../../../emulator/isa/assembly_error.ts";
import type { InstructionEncoder } from "../../../emulator/isa/assembly.ts";
import { toyEncoder } from "../../support/toy_encoder.ts";

function toy(source: string, options: Partial<AssembleOptions> = {}) {
  return assemble(source, { encoder: toyEncoder, origin: 0x1000n, order: "le", ...options });
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
const bytesOf = (source: string, options?: Partial<AssembleOptions>): string =>
  hex(toy(source, options).bytes);
const errorOf = (source: string, options?: Partial<AssembleOptions>): AssemblyError =>
  assertThrows(() => toy(source, options), AssemblyError);

Deno.test("assemble() emits data in the order asked for", () => {
  assertEquals(bytesOf(".byte 1, 0x2, 0b11, 0o4, 'a', -1"), "01 02 03 04 61 ff");
  assertEquals(
    bytesOf(".word 0x1234\n.long 0x1234_5678\n.quad -2"),
    "34 12 78 56 34 12 fe ff ff ff ff ff ff ff",
  );
  assertEquals(bytesOf(".word 0x1234\n.int 1", { order: "be" }), "12 34 00 00 00 01");
  assertEquals(bytesOf("db 1\ndw 2\ndd 3\ndq 4"), "01 02 00 03 00 00 00 04 00 00 00 00 00 00 00");
});

Deno.test("assemble() emits texts with escapes", () => {
  assertEquals(bytesOf('.ascii "a;b#c//\\n", "\\x7f"'), "61 3b 62 23 63 2f 2f 0a 7f");
  assertEquals(bytesOf('.asciz "é"\n.string ""'), "c3 a9 00 00");
  assertEquals(bytesOf('db "hi", 0'), "68 69 00");
});

Deno.test("assemble() takes comments, labels and a tight # apart", () => {
  const program = toy("a: b: nop ; one\n# two\n  nop // three\n\tc: # four\n");
  assertEquals(hex(program.bytes), "90 90");
  assertEquals([...program.symbols], [["a", 0x1000n], ["b", 0x1000n], ["c", 0x1002n]]);
  assertEquals(bytesOf("x#y: nop".replace("#", "_")), "90");
});

Deno.test("assemble() resolves local labels both ways", () => {
  assertEquals(bytesOf("1: jmp 1f\n1: jmp 1b\njmp 1b\n1:"), "eb 00 eb fe eb fc");
});

Deno.test("assemble() assigns names, also ahead of their definition and again", () => {
  assertEquals(bytesOf(".byte size\nsize = end - start\nstart: nop\nnop\nend:"), "02 90 90");
  assertEquals(
    bytesOf("n = 1\n.byte n\nn = n + 1\n.byte n\n.equ k, 7\n.set m, k*2\n.byte k, m"),
    "01 02 07 0e",
  );
  assertEquals(bytesOf("two equ 2\nmsg db two"), "02");
});

Deno.test("assemble() gives . and $ the address of their statement", () => {
  assertEquals(bytesOf("nop\n.word . - 0x1000, $ - 0x1000\njmp ."), "90 01 00 01 00 eb fe");
});

Deno.test("assemble() moves on by .org, .space, .fill and alignment", () => {
  assertEquals(bytesOf(".byte 1\n.org 0x1004, 0xcc\n.byte 2"), "01 cc cc cc 02");
  assertEquals(bytesOf(".space 2, 7\n.zero 1\n.fill 2, 2, 0x0102\n.skip 1"), "07 07 00 02 01 02 01 00");
  assertEquals(bytesOf(".byte 1\n.align 4\n.byte 2\n.balign 4, 9\n.p2align 1"), "01 00 00 00 02 09 09 09");
});

Deno.test("assemble() pads with nop where execution may run into it", () => {
  assertEquals(bytesOf("nop\n.align 4\n.byte 1\n.align 4"), "90 90 90 90 01 00 00 00");
});

Deno.test("assemble() lets branches only grow", () => {
  assertEquals(toy("jmp end\n.space 127\nend:").bytes.length, 129);
  assertEquals(toy("jmp end\n.space 128\nend:").bytes.length, 133);
  // Each branch grows because of the one that grew before it.
  const chain = Array.from({ length: 20 }, (_, i) => `l${i}: jmp l${i + 1}\n.space 123`).join("\n");
  const program = toy(`${chain}\njmp far\nl20: .space 200\nfar:`);
  assertEquals(program.symbols.get("far"), 0x1000n + BigInt(program.bytes.length));
});

Deno.test("assemble() finds the entry", () => {
  assertEquals(toy("nop\nstart: nop").entry, 0x1001n);
  assertEquals(toy("start: nop\n_start: nop").entry, 0x1001n);
  assertEquals(toy("start: nop\n.entry start + 4\n.global start").entry, 0x1004n);
  assertEquals(toy("nop").entry, undefined);
});

Deno.test("assemble() lists what became of each line", () => {
  const { listing } = toy("a:\n  nop ; first\n.byte 1, 2\n");
  assertEquals(listing.map(({ address, bytes, line, text }) => [address, hex(bytes), line, text]), [
    [0x1000n, "", 1, "a:"],
    [0x1000n, "90", 2, "nop ; first"],
    [0x1001n, "01 02", 3, ".byte 1, 2"],
  ]);
});

Deno.test("assemble() takes symbols from outside, which the source may shadow", () => {
  const symbols = new Map([["uart", 0x10n], ["far", 5n]]);
  assertEquals(bytesOf("imm uart + far", { symbols }), "01 15");
  assertEquals(bytesOf("imm far\nfar = 1", { symbols }), "01 01");
});

Deno.test("assemble() splits operands at top-level commas only", () => {
  assertEquals(bytesOf("pair [a, b], (c)"), "02 06 03");
  assertEquals(bytesOf("pair ',', \"a,b\""), "02 03 05");
});

Deno.test("assemble() switches encoders by mode", () => {
  const encoder = (mode: string): InstructionEncoder => ({
    ...toyEncoder,
    encode: () => new TextEncoder().encode(mode),
  });
  assertEquals(
    new TextDecoder().decode(toy("nop\n.code16\nnop\nbits 64\nnop", { encoder, mode: "0" }).bytes),
    "0x86-16x86-64",
  );
  assertStringIncludes(errorOf(".code16").message, "this assembler has one mode");
});

Deno.test("assemble() points at what is wrong", () => {
  const error = errorOf("nop\n\timm 1, foo(\n", { name: "boot.s" });
  assertEquals([error.name, error.file, error.line, error.column], ["AssemblyError", "boot.s", 2, 12]);
  assertEquals(error.message, 'boot.s:2:12: "(" without ")"\n  \timm 1, foo(\n  \t          ^');
  assert(error instanceof SyntaxError);
});

Deno.test("assemble() suggests instructions, directives and symbols", () => {
  assertStringIncludes(errorOf("jpm 1").message, 'unknown instruction "jpm": did you mean "jmp"?');
  assertStringIncludes(errorOf(".bite 1").message, 'unknown directive ".bite": did you mean ".byte"?');
  const error = errorOf("buffer: .byte 1, bufer");
  assertStringIncludes(error.message, 'symbol "bufer" is not defined: did you mean "buffer"?');
  assertEquals(error.column, 18);
  assertStringIncludes(errorOf("jmp ahaed\nahead:").message, 'did you mean "ahead"?');
  assertStringIncludes(errorOf("jmp eaz").message, 'did you mean "eax"?');
});

Deno.test("assemble() collects errors, at most 20", () => {
  const error = errorOf('imm 1\nimm 300\n.byte x\n"\n.org 0\n');
  assertEquals(error.diagnostics.map(({ line }) => line), [2, 3, 4, 5]);
  const many = errorOf("bad\n".repeat(50));
  assertEquals(many.diagnostics.length, 20);
  assertMatch(many.message, /and 30 more$/);
});

Deno.test("assemble() refuses what it cannot mean", () => {
  const cases: [string, string][] = [
    ["a: nop\na: nop", '"a" is already defined in line 1'],
    ["a: nop\na = 1", '"a" is already defined in line 1'],
    ["eax: nop", "is a register or keyword"],
    ["eax = 1", "is a register or keyword"],
    ["a = b\nb = a + 1", "did not settle"],
    ["a = a + 1", "did not settle"],
    ["jmp 1b", 'there is no label "1:" before this line'],
    ["jmp 1f", 'there is no label "1:" after this line'],
    [".byte 256", "256 does not fit in 8 bits: expected -128 to 255"],
    [".byte", "expected at least one value"],
    [".byte 1,,2", "expected an operand beside the comma"],
    [".byte 1/0", "division by zero"],
    [".byte 1<<1000", "shift by 1000"],
    [".byte 12h", "write hexadecimal as 0x12"],
    [".byte 0x", "is not a number"],
    [".byte (1", '"(" without ")"'],
    [".byte 1 2", 'expected an operator or the end, found "2"'],
    ["a =", "expected an expression"],
    ['.word "ab"', "a text needs .byte or .ascii"],
    ['.ascii "\\q"', "unknown escape"],
    [".ascii 'a", "no closing"],
    [".align 3", "expected a power of two"],
    [".space -1", "is negative"],
    ["nop\n.org 0x1000", "cannot go back to 0x1000: the program already stands at 0x1001"],
    [".space 0x4000001", "at most 67108864"],
    [".fill 0xffffffffffff, 8", "at most 67108864"],
    [".org 0xffffffffffffffff", "at most 67108864"],
    [".byte " + "(".repeat(300) + "1" + ")".repeat(300), "nested too deeply"],
    [".byte " + "1+".repeat(100000) + "1", "too long"],
    [".byte " + "0x7fffffffffffffff*".repeat(9) + "1", "exceeds 128 bits"],
  ];
  for (const [source, message] of cases) assertStringIncludes(errorOf(source).message, message);
  assertThrows(() => toy("nop", { origin: -1n }), RangeError, "origin -1");
});

Deno.test("assemble() shows long lines in part", () => {
  const lines = errorOf(" ".repeat(5000) + "bad").message.split("\n");
  assertEquals(lines.map((line) => line.trim()), ['<input>:1:5001: unknown instruction "bad"', "bad", "^"]);
  assertEquals(lines[1].indexOf("bad"), lines[2].indexOf("^"));
});

Deno.test("assemble() accepts a program of the largest size", () => {
  assertEquals(toy(".space 64*1024*1024").bytes.length, 64 * 1024 * 1024);
});

Deno.test("assemble() lets an encoder's own mistakes through", () => {
  const encoder: InstructionEncoder = {
    ...toyEncoder,
    encode: () => {
      throw new TypeError("a mistake");
    },
  };
  assertThrows(() => toy("nop", { encoder }), TypeError, "a mistake");
});
