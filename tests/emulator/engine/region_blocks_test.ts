/** Where blocks of a region lead to. */
import { assertEquals } from "@std/assert";
import { recordBlock } from "../../../emulator/engine/region_blocks.ts";
import { parseHexBytes } from "../../../emulator/isa/example.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";

const isa = x86Isa(32);

for (
  const [text, bytes, falls] of [
    ["inc eax", "40", true],
    ["jne to itself", "75 fe", true],
    ["loop to itself", "e2 fe", true],
    ["jmp to itself", "eb fe", false],
    ["jmp eax", "ff e0", false],
    ["call to the next one", "e8 00 00 00 00", false],
    ["ret", "c3", false],
  ] as const
) {
  Deno.test(`a block that ends with ${text} ${falls ? "may" : "does not"} go on behind it`, () => {
    const pc = 0x1000n, decoded = isa.decode(parseHexBytes(bytes), pc);
    if ("undecodable" in decoded) throw new TypeError(decoded.reason);
    const nextPc = pc + BigInt(decoded.length);
    const block = recordBlock(isa, [{ pc, nextPc, decoded, cost: 1 }]);
    assertEquals(block.nextPc, falls ? nextPc : undefined);
  });
}
