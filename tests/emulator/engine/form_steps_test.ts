/** Which forms make a pair. */
import { assertEquals } from "@std/assert";
import { isPair } from "../../../emulator/engine/form_steps.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";

const isa = x86Isa(32);

function form(name: string) {
  const found = isa.forms.find((one) => one.name === name);
  if (!found) throw new RangeError(`there is no form ${name}`);
  return found;
}

for (
  const [first, second, expected] of [
    ["cmp r32, imm32", "jb rel", true],
    ["dec r32", "jne rel", true],
    ["test r8, r8", "je rel", true],
    // A load may be answered by a device, which may do anything before the branch.
    ["cmp m32, imm32", "jb rel", false],
    ["mov r32, r32", "jb rel", false],
    ["cmp r32, imm32", "jmp rel", false],
    ["cmp r32, imm32", "add r32, r32", false],
    ["jb rel", "jb rel", false],
  ] as const
) {
  Deno.test(`${first} and ${second} are ${expected ? "a" : "no"} pair`, () => {
    assertEquals(isPair(isa, form(first), form(second)), expected);
  });
}
