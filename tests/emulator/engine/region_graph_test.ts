/** How a region's blocks lead to each other, small loops turn by turn. */
import { assertEquals } from "@std/assert";
import { findBlocks, type RegionInstruction } from "../../../emulator/engine/region_blocks.ts";
import { graphOf } from "../../../emulator/engine/region_graph.ts";
import { parseHexBytes } from "../../../emulator/isa/example.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";

const isa = x86Isa(32);
const ORIGIN = 0x1000n;

/** The graph of a program that is entered at its first instruction; each block as its address and those it leads to. */
function lines(bytes: string, stops: readonly bigint[] = []): string[] {
  const instructions: RegionInstruction[] = [], all = parseHexBytes(bytes);
  for (let at = 0; at < all.length;) {
    const pc = ORIGIN + BigInt(at), decoded = isa.decode(all.subarray(at), pc);
    if ("undecodable" in decoded) throw new TypeError(decoded.reason);
    at += decoded.length;
    instructions.push({ pc, nextPc: ORIGIN + BigInt(at), decoded, cost: 1 });
  }
  const code = findBlocks(isa, instructions, new Set(stops));
  const places = new Map(code.map(([{ pc }], i) => [pc, i]));
  const { blocks, successors } = graphOf(isa, code, { places, entries: [0], stops: new Set(stops) });
  return blocks.map(({ pc }, i) => `${(pc - ORIGIN).toString(16)}: ${successors[i].join()}`);
}

Deno.test("graphOf() has two turns of a small loop, one after the other", () => {
  // inc eax; again: dec ecx; jne again; hlt
  assertEquals(lines("40 49 75 fd f4"), ["0: 1", "1: 3,2", "4: ", "1: 1,2"]);
});

Deno.test("graphOf() has two turns of a loop of several blocks, and one of the loop around it", () => {
  // outer: inc eax; again: test al, 1; je even; inc edx; even: dec ecx; jne again; dec ebx; jne outer; hlt
  assertEquals(
    lines("40 a8 01 74 01 42 49 75 f8 4b 75 f4 f4"),
    ["0: 1", "1: 3,2", "5: 3", "6: 6,4", "9: 0,5", "c: ", "1: 8,7", "5: 8", "6: 1,4"],
  );
});

Deno.test("graphOf() has one turn of a loop that is not small, and of one that a stop cuts", () => {
  assertEquals(lines(`40 ${"42 ".repeat(20)} 49 75 e9 f4`).length, 3);
  assertEquals(lines("40 49 75 fd f4", [ORIGIN + 1n]), ["0: ", "1: 2", "4: "]);
});
