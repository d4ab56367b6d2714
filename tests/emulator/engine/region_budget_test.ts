/** Where a region looks at the budget, and for how much. */
import { assert, assertEquals } from "@std/assert";
import { looksOf } from "../../../emulator/engine/region_budget.ts";
import { findBlocks, type RegionInstruction } from "../../../emulator/engine/region_blocks.ts";
import { graphOf } from "../../../emulator/engine/region_graph.ts";
import { parseHexBytes } from "../../../emulator/isa/example.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";

const isa = x86Isa(32);

/** Of a program that is entered at its first instruction: address and amount of each look. */
function looks(bytes: string): string {
  const instructions: RegionInstruction[] = [], all = parseHexBytes(bytes);
  for (let at = 0; at < all.length;) {
    const pc = BigInt(at), decoded = isa.decode(all.subarray(at), pc);
    if ("undecodable" in decoded) throw new TypeError(decoded.reason);
    at += decoded.length;
    instructions.push({ pc, nextPc: BigInt(at), decoded, cost: 1 });
  }
  const code = findBlocks(isa, instructions, new Set());
  const places = new Map(code.map(([{ pc }], i) => [pc, i]));
  const graph = graphOf(isa, code, { places, entries: [0], stops: new Set() });
  const found = looksOf(graph);
  assert(found.has(0), "where it is entered it looks");
  return [...found].map(([block, amount]) => `${graph.blocks[block].pc.toString(16)}: ${amount}`).join(", ");
}

Deno.test("a region looks at the budget once for all ways from where it is entered", () => {
  // je past; inc eax; inc eax; past: dec ecx; jmp on; on: inc edx
  assertEquals(looks("74 02 40 40 49 eb 00 42"), "0: 6");
});

Deno.test("a region looks at the budget once for both turns of a small loop, and for what comes behind it", () => {
  // again: dec ecx; jne again; inc eax; inc eax; inc eax
  assertEquals(looks("49 75 fd 40 40 40"), "0: 7");
});

Deno.test("a region looks at the budget again behind many instructions, and behind a trap", () => {
  // Thirty times inc eax; jmp on; on: inc eax, four times.
  assertEquals(looks(`${"40 ".repeat(30)} eb 00 40 40 40 40`), "0: 31, 20: 4");
  // inc eax; cpuid; jmp on; on: inc eax
  assertEquals(looks("40 0f a2 eb 00 40"), "0: 3, 5: 1");
});

Deno.test("a region looks at the budget in a loop that nothing leads to, too", () => {
  // jmp on; cpuid; jmp to; to: inc eax; jmp loop; loop: inc eax; jmp loop; on: inc eax
  assertEquals(looks("eb 0a 0f a2 eb 00 40 eb 00 40 eb fd 40"), "0: 2, 6: 4, 9: 2");
});
