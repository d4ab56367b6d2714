import { assertEquals, assertThrows } from "@std/assert";
import { ppcEncoder } from "../../../emulator/ppc/encoder.ts";
import { ppcIsa } from "../../../emulator/ppc/isa.ts";
import { DEFINITIONS } from "../../../emulator/ppc/table.ts";
import { assemble as assembleText } from "../../../emulator/isa/assembler.ts";
import { hexOf, lineOf, numbersOnly } from "./assembly_line.ts";
import { randomNumbers, randomWord } from "./random_words.ts";

const PC = 0x1000n;

function encode(text: string, mode: 32 | 64 = 64): string {
  return hexOf(ppcEncoder(mode).encode(lineOf(text), { pc: PC, atLeast: 0, evaluate: numbersOnly }));
}

Deno.test("encode() gives back every word that is disassembled", () => {
  const next = randomNumbers(0x7c00_0214), wrong: string[] = [];
  let count = 0;
  for (let index = 0; index < 20_000; index++) {
    const word = randomWord(DEFINITIONS[index % DEFINITIONS.length], next);
    const bytes = Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
    for (const mode of [32, 64] as const) {
      const text = ppcIsa(mode).disassemble(bytes, PC)?.text;
      if (!text) continue;
      count++;
      const found = encode(text, mode);
      if (found !== hexOf(bytes)) wrong.push(`${mode}: ${hexOf(bytes)} ${text}: ${found}`);
    }
  }
  assertEquals(wrong, []);
  console.log(`${count} words`);
});

Deno.test("encode() takes registers with and without r, and simplified mnemonics", () => {
  const same = (text: string, other: string) => assertEquals(encode(text), encode(other), text);
  same("addi 3,1,16", "addi r3, r1, 0x10");
  same("lwz %r3, 8(%r1)", "lwz 3, 8(1)");
  same("lwz r3, (r1)", "lwz r3, 0(r1)");
  same("la r3, 8(r1)", "addi r3, r1, 8");
  same("sub r3, r4, r5", "subf r3, r5, r4");
  same("subo. r3, r4, r5", "subfo. r3, r5, r4");
  same("cmpwi r3, 1", "cmpi cr0, 0, r3, 1");
  same("cmpld cr3, r3, r4", "cmpl 3, 1, r3, r4");
  same("clrrwi r3, r4, 4", "rlwinm r3, r4, 0, 0, 27");
  same("rotrwi r3, r4, 4", "rlwinm r3, r4, 28, 0, 31");
  same("rotrwi r3, r4, 0", "rlwinm r3, r4, 0, 0, 31");
  same("srwi. r3, r4, 0", "rlwinm. r3, r4, 0, 0, 31");
  same("extrwi r3, r4, 8, 8", "rlwinm r3, r4, 16, 24, 31");
  same("insrwi r3, r4, 8, 16", "rlwimi r3, r4, 8, 16, 23");
  same("extrdi r3, r4, 16, 16", "rldicl r3, r4, 32, 48");
  same("clrlsldi r3, r4, 16, 4", "rldic r3, r4, 4, 12");
  same("insrdi r3, r4, 32, 0", "rldimi r3, r4, 32, 0");
  same("bng cr1, 0x1010", "ble cr1, 0x1010");
  same("bdnzt cr1.eq, 0x1010", "bc 8, 6, 0x1010");
  same("crset cr1*4+eq", "creqv 4*cr1+eq, 4*cr1+eq, 6");
  same("twlnl r3, r4", "twlge r3, r4");
  same("mtcr r3", "mtcrf 0xff, r3");
  same("lis r3, 0x8000", "lis r3, -0x8000");
});

Deno.test("encode() sets prediction hints as the mode has them", () => {
  assertEquals(encode("bne+ 0x1010", 64), "40e20010");
  assertEquals(encode("bne- 0x1010", 64), "40c20010");
  assertEquals(encode("bdnz+ 0xff0", 64), "4320fff0");
  assertEquals(encode("bne+ 0x1010", 32), "40a20010");
  assertEquals(encode("bne- 0x1010", 32), "40820010");
  assertEquals(encode("bne- 0xff0", 32), "40a2fff0");
  assertThrows(() => encode("bdnzt+ eq, 0x1010", 64), SyntaxError, "bdnzt takes no prediction hint");
});

Deno.test("encode() names what is wrong and what would be right", () => {
  const fails = (text: string, message: string, mode: 32 | 64 = 64) =>
    assertThrows(() => encode(text, mode), SyntaxError, message);
  fails("addi r3, r1", "addi has 2 operands here; it is written addi RT, RA, SI");
  fails("blr r3", "blr has 1 operands here; it is written blr without operands");
  fails("cmpwi r3", "it is written cmpwi RA, SI or cmpwi BF, RA, SI");
  fails("beq", "it is written beq [crN], target");
  fails("li r3, 0x12345", "0x12345 is 74565, and SI takes -32768 to 32767; load it by lis");
  fails("ori r3, r3, -1", "-1 is -1, and UI takes 0 to 65535");
  fails("lwz r3, r4", '"r4" is no address; write a displacement and a base, as in 8(r1)');
  fails("lwz r32, 0(r1)", '"r32" is no general-purpose register; they are r0 to r31');
  fails("add r3, r4, 5(r1)", '"5(r1)" is no general-purpose register');
  fails("addi r3, r4, r5", '"r5" is a register where a number belongs');
  fails("ld r3, 6(r1)", "6 is 6, and DS takes multiples of 4");
  fails("beq 0x20000", "distances from -32768 to 32764 can be reached; branch around an unconditional b");
  fails("b 0x1002", "0x1002 is 0x1002, no multiple of 4");
  fails("beq cr8, 0x1000", '"cr8" is no condition register field; they are cr0 to cr7');
  fails("crand foo, eq, eq", '"foo" is no condition register bit; write lt, gt, eq, so or 4*cr1+eq');
  fails("ld r3, 0(r1)", "ld needs mode 64; the guest is in mode 32", 32);
  fails("cmpd r3, r4", "cmpl: L=1".replace("cmpl", "cmpd"), 32);
  fails("lwzu r3, 4(r3)", "lwzu: RA=RT is invalid with update");
  fails("slwi r3, r4, 32", "SH for n=32 is 32, and SH takes 0 to 31");
  fails("frob r3", "unknown instruction frob");
});

Deno.test("the assembler resolves symbols and their halves", () => {
  const source = `
start:  lis   r3, value@ha
        lwz   r4, value@l(r3)
        lis   r5, value@h
        ori   r5, r5, value@l
        cmpwi r4, 0
        beq   done
        bl    start
done:   blr
value = 0x1234_9abc
`.replace("_", "");
  const { bytes } = assembleText(source, { encoder: ppcEncoder(32), origin: 0x1000n, order: "be" });
  assertEquals(
    hexOf(bytes).match(/.{8}/g),
    ["3c601235", "80839abc", "3ca01234", "60a59abc", "2c040000", "41820008", "4bffffe9", "4e800020"],
  );
});
