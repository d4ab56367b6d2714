/** More code than there is room for when it is decoded: blocks are dropped, and nothing that led to them is followed. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Arena } from "../../../emulator/engine/arena.ts";
import { CodeCache } from "../../../emulator/engine/code_cache.ts";
import { EPOCH } from "../../../emulator/engine/record.ts";
import { CpuState } from "../../../emulator/engine/state.ts";
import { Stops } from "../../../emulator/engine/stops.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import { x86Isa } from "../../../emulator/x86/isa.ts";
import { type Guest, makeVm, outcome } from "./executors.ts";

const BOUND = 65_536;
/** Takes some 100 KiB. */
const PLACES = 1000;

/** In this order they are gone through: no regular one. */
const next = (place: number) => (place * 617 + 1) % PLACES;

/** Blocks that lead to each other in a circle through all of them, by branches both ways, calls and computed jumps. */
function circle(passes: number, each: (place: number) => string): string {
  const places = Array.from({ length: PLACES }, (_, place) => {
    const ends = [
      `jmp p${next(place)}`,
      `test al, 1\njz p${next(place)}\ninc ebx\njmp p${next(place)}`,
      `call twist\njmp p${next(place)}`,
      `mov edx, p${next(place)}\njmp rdx`,
    ];
    const start = place === 0 ? "dec esi\njz end\n" : "";
    return `p${place}: ${start}add eax, ${place + 1}\nrol eax, 3\n${each(place)}\n${ends[place % 4]}`;
  });
  return `mov esp, 0x1f00
mov esi, ${passes + 1}
jmp p0
twist: xor ebx, eax
ret
end: hlt
${places.join("\n")}`;
}

const RUNS = [["oracle", undefined], ["interpreter", undefined], ["interpreter", BOUND], [
  "forced",
  BOUND,
]] as const;

async function assertAlike(guest: Guest): Promise<void> {
  const traces = [];
  for (const [executor, decodedBytes] of RUNS) {
    const vm = makeVm({ ...guest, decodedBytes }, executor), trace = [];
    for (let reason = ""; reason !== "HLT";) {
      const stop = await vm.run({ instructions: 2777 });
      reason = stop.reason;
      assert(["HLT", "BUDGET"].includes(reason), stop.message);
      trace.push(outcome(vm, stop));
    }
    traces.push(trace);
  }
  for (const trace of traces) assertEquals(trace, traces[0]);
}

Deno.test("a circle through more code than fits does the same as through code that fits", async () => {
  await assertAlike({ source: circle(3, () => "nop") });
});

Deno.test("code beyond the bound that patches blocks all over itself does the same", async () => {
  // Some places change the number that another one adds, before or behind it: large ones, of four bytes.
  const target = (place: number) => 128 + (place * 611 + 7) % (PLACES - 128);
  await assertAlike({
    source: circle(
      3,
      (place) => place % 5 === 0 ? `add byte ptr [p${target(place)} + 1], cl\ninc ecx` : "nop",
    ),
  });
});

Deno.test("what a chunk was dropped for is found by no link of before", () => {
  const isa = x86Isa(32),
    arena = new Arena(2 ** 20),
    state = new CpuState(arena),
    code = arena.allocate(2 ** 18);
  const cache = new CodeCache(isa, arena, state, {
    codeAt: (address) => code + Number(address),
    ...{ costOf: () => 1, stops: new Stops(), running: false, codeRange: () => {}, flush: () => {} },
  }, BOUND);
  arena.u8.fill(0x90, code, code + 2 ** 18);
  const heads = new Map<number, bigint>();
  let epoch = state.get32(EPOCH), dropped = 0;
  for (let pc = 0n; pc < 2n ** 17n; pc += 16n) {
    const block = cache.block(pc, pc);
    assert("head" in block);
    if (heads.has(block.head)) {
      assert(state.get32(EPOCH) !== epoch, "the place of a block was used again unnoticed");
    }
    if (state.get32(EPOCH) !== epoch) {
      epoch = state.get32(EPOCH);
      heads.clear();
      dropped++;
    }
    heads.set(block.head, pc);
    assertEquals(cache.block(pc, pc), block);
  }
  assert(dropped > 8);
});

Deno.test("a bound that is none is refused", () => {
  for (const decodedBytes of [0, -65_536, 1000, NaN, Infinity, 65_536.5]) {
    assertThrows(() => createVm({ arch: "x86", decodedBytes }), RangeError, "multiple of 65536");
  }
});
