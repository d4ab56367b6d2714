/** Blocks: Programming Environments Manual 7.4. */
import { assertEquals } from "@std/assert";
import { blockOf } from "../../../../emulator/machine/ppc/bats.ts";
import { REACH } from "../../../../emulator/machine/processor.ts";
import { SLOT } from "../../../../emulator/ppc/state.ts";
import { createState } from "../../../support/named_state.ts";

function stateOf(registers: Readonly<Partial<Record<keyof typeof SLOT, number>>>) {
  const state = createState();
  for (const [name, value] of Object.entries(registers)) {
    state.set64(SLOT[name as keyof typeof SLOT], BigInt(value));
  }
  return state;
}

Deno.test("a block is 128 KiB times one more than BL, up to 256 MiB", () => {
  for (const [length, size] of [[0, 0x2_0000], [1, 0x4_0000], [0x1f, 0x40_0000], [0x7ff, 0x1000_0000]]) {
    const state = stateOf({ dbat2u: (0x7000_0000 | length << 2 | 3) >>> 0, dbat2l: 0x3000_0002 });
    const at = (address: number) => blockOf(state, address, REACH.load, false)?.physical;
    assertEquals(at(0x7000_0000), 0x3000_0000);
    assertEquals(at(0x7000_0000 + size - 1), 0x3000_0000 + size - 1);
    assertEquals(at(0x7000_0000 + size), undefined);
    assertEquals(at(0x6fff_ffff), undefined);
  }
});

Deno.test("Vs and Vp say for whom a pair is valid; instructions and data have their own", () => {
  for (const [valid, supervisor, problem] of [[0, 0, 0], [1, 0, 1], [2, 1, 0], [3, 1, 1]]) {
    const state = stateOf({ ibat3u: (0x8000_0000 | valid) >>> 0, ibat3l: 2 });
    const found = (inProblem: boolean, reach: 0 | 1 | 2) =>
      blockOf(state, 0x8000_0010, reach, inProblem) === undefined ? 0 : 1;
    assertEquals([found(false, REACH.fetch), found(true, REACH.fetch)], [supervisor, problem]);
    assertEquals([found(false, REACH.load), found(true, REACH.store)], [0, 0]);
  }
});

Deno.test("PP: nothing, reading, everything, reading", () => {
  const rights = [0, 1, 2, 3].map((pp) => {
    const found = blockOf(stateOf({ dbat0u: 2, dbat0l: pp }), 0, REACH.load, false)!;
    return [found.readable, found.writable];
  });
  assertEquals(rights, [[false, false], [true, false], [true, true], [true, false]]);
});
