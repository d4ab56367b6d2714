/** Disassemble, assemble, decode again: the same meaning, and never longer. */
import { assertEquals } from "@std/assert";
import type { Decoded } from "../../../emulator/isa/isa.ts";
import { x86Encoder } from "../../../emulator/x86/encoder.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";
import { numberContext, splitLine } from "./assembly_text.ts";
import { opcodeSamples, randomSamples } from "./samples.ts";

const PC = 0x7c00n;

function meaning({ form, values }: Decoded): string {
  return `${form.name} ${values.map(String).join(" ")}`;
}

/** Text says less than bytes where the same operands can be written in either order or shape. */
function isAmbiguous(text: string): boolean {
  return /^(lock )?xchg /.test(text);
}

/** An unscaled index without base is written as a base, a number of 64 bits in 32 where they are enough. */
const shapeless = (text: string) => text.replace(/^(\S+.*?) mx(\d+)/, "$1 m$2").replace(/imm64/, "simm32");

/**
 * A branch shortened by 66h comes back at full size, which takes a byte more; so does an address that 67h has
 * shortened.
 */
const slack = (text: string, bytes: Uint8Array) =>
  /^(j|call)/.test(text) || (/\[(0x|\d)/.test(text) && bytes.includes(0x67)) ? 1 : 0;

for (const mode of [16, 32, 64] as const) {
  Deno.test(`x86-${mode}: what is disassembled can be assembled`, () => {
    const isa = x86Isa(mode), encoder = x86Encoder(mode), wrong: string[] = [];
    let count = 0;
    let index = 0;
    for (const bytes of [...opcodeSamples(mode), ...randomSamples(2000, 77 + mode)]) {
      if (index++ % 2 !== 0) continue;
      const decoded = isa.decode(bytes, PC);
      if ("undecodable" in decoded) continue;
      count++;
      const text = isa.disassemble(bytes, PC)!.text;
      try {
        const again = encoder.encode(splitLine(text), { ...numberContext, pc: PC });
        const back = isa.decode(again, PC), backText = isa.disassemble(again, PC)?.text;
        if ("undecodable" in back) wrong.push(`${text}: assembled to what cannot be decoded: ${back.reason}`);
        else if (again.length !== back.length || again.length > decoded.length + slack(text, bytes)) {
          wrong.push(
            `${text}: ${decoded.length} bytes became ${again.length}, of which ${back.length} count`,
          );
        } else if (!isAmbiguous(text) && backText !== text) wrong.push(`${text}: came back as ${backText}`);
        else if (!isAmbiguous(text) && meaning(back) !== meaning(decoded)) {
          if (shapeless(back.form.name) !== shapeless(decoded.form.name)) {
            wrong.push(`${text}: ${meaning(decoded)} became ${meaning(back)}`);
          }
        }
      } catch (error) {
        wrong.push(`${text}: ${error}`);
      }
    }
    console.log(`x86-${mode}: ${count} round trips`);
    assertEquals(wrong.slice(0, 20), [], `${wrong.length} of ${count} are wrong`);
  });
}
