/** Places for records: chunks, a bound, and whose record is where. */
import { assertEquals } from "@std/assert";
import { Arena } from "../../../emulator/engine/arena.ts";
import { RECORD } from "../../../emulator/engine/record.ts";
import { RecordSpace } from "../../../emulator/engine/record_space.ts";

const MIB = 2 ** 20;

/** Fills a space with blocks of `count` instructions until there is no place. */
function fill(space: RecordSpace<{ record: number; count: number; cycles: number }>, count: number) {
  const blocks = [];
  for (let at; (at = space.place(count * RECORD.size)) !== undefined;) {
    const block = { record: at, count, cycles: count };
    space.take(block, count * RECORD.size);
    blocks.push(block);
  }
  return blocks;
}

Deno.test("records take chunk after chunk up to a bound, and the same ones when all were dropped", () => {
  const arena = new Arena(65536), space = new RecordSpace(arena);
  const first = fill(space, 256), size = arena.u8.length;
  assertEquals([first.length * 256 * RECORD.size, space.used], [space.used, 128 * MIB]);
  assertEquals(new Set(first.map(({ record }) => record)).size, first.length);
  space.clear();
  assertEquals([space.used, space.blockOf(first[0].record)], [0, undefined]);
  assertEquals(fill(space, 256), first);
  assertEquals(arena.u8.length, size);
});

Deno.test("a record is known for its block's in whichever chunk it is", () => {
  const space = new RecordSpace(new Arena(65536)), blocks = fill(space, 500);
  for (const block of [blocks[0], blocks[40], blocks[1000], blocks[blocks.length - 1]]) {
    assertEquals(space.blockOf(block.record), block);
    assertEquals(space.blockOf(block.record + 499 * RECORD.size), block);
    assertEquals(space.blockOf(block.record + 500 * RECORD.size) === block, false);
  }
});

Deno.test("who can do without gets no memory that others will need", () => {
  const arena = new Arena(65536), got = [];
  for (let at; (at = arena.allocateSpare(16 * MIB)) !== undefined;) got.push(at);
  assertEquals(got.length, 8);
});
