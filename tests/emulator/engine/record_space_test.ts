/** Places for blocks: chunks, a bound, and what is dropped where there is no more. */
import { assert, assertEquals } from "@std/assert";
import { Arena } from "../../../emulator/engine/arena.ts";
import { contains, RecordSpace } from "../../../emulator/engine/record_space.ts";

const MIB = 2 ** 20;

/** Fills a space with blocks of so many bytes until one would have to be dropped; their places. */
function fill(space: RecordSpace, bytes: number): number[] {
  const places = [];
  for (let at; (at = space.place(bytes)) !== undefined;) {
    space.take(bytes);
    places.push(at);
  }
  return places;
}

Deno.test("blocks take chunk after chunk up to a bound, and the same ones when all were dropped", () => {
  const arena = new Arena(65536), space = new RecordSpace(arena, 128 * MIB);
  const first = fill(space, 16384), size = arena.u8.length;
  assertEquals([first.length * 16384, space.used], [space.used, 128 * MIB]);
  assertEquals(new Set(first).size, first.length);
  assert(first.every((place) => space.has(place)));
  space.clear();
  assertEquals(space.used, 0);
  assertEquals(fill(space, 16384).sort(), first.sort());
  assertEquals(arena.u8.length, size);
});

Deno.test("a bound may be small, and all of it is used", () => {
  const space = new RecordSpace(new Arena(65536), 65536);
  fill(space, 1000);
  assertEquals([space.used, space.place(1000)], [64 * 1000, undefined]);
});

Deno.test("a chunk that is dropped is filled next, in no order, and each at some time", () => {
  const space = new RecordSpace(new Arena(65536), 65536), dropped: number[] = [];
  fill(space, 1024);
  for (let i = 0; i < 100; i++) {
    const chunk = space.drop();
    assertEquals([chunk.used, space.used], [8192, 65536 - 8192]);
    for (const place of fill(space, 1024)) assert(contains(chunk, place));
    dropped.push(chunk.at);
  }
  assertEquals(new Set(dropped).size, 8);
  assert(dropped.some((at, i) => at > dropped[i + 1]));
});

Deno.test("who can do without gets no memory that others will need", () => {
  const arena = new Arena(65536), got = [];
  for (let at; (at = arena.allocateSpare(16 * MIB)) !== undefined;) got.push(at);
  assertEquals(got.length, 16);
});
