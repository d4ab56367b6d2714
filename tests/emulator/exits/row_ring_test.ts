/** Rows in a typed array: what goes in comes out, whatever grew, was dropped or was charged more meanwhile. */
import { assertEquals, assertThrows } from "@std/assert";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { RowRing } from "../../../emulator/exits/row_ring.ts";
import { priceClass } from "../../../emulator/exits/stages.ts";
import { IO, site, VIOLATION } from "./fixtures.ts";

const profile = loadProfile("x86-default");
const AT = priceClass("out", "userspace"), PRICE = profile.pricesOf("IO")[AT];

function push(ring: RowRing, seq: number): number {
  const place = site({ pc: 0xffff_ffff_8000_0000n + BigInt(seq), instructions: seq, cycles: 2 * seq });
  return ring.push(seq, seq % 2 === 0 ? IO : VIOLATION, seq, AT, 4, PRICE, place);
}

Deno.test("a ring grows as rows come, up to its limit, and then lets the oldest go", () => {
  const ring = new RowRing(3000);
  for (let i = 0; i < 5000; i++) push(ring, i);
  const rows = ring.list();
  assertEquals([rows.length, ring.dropped, rows[0].seq, rows[2999].seq], [3000, 2000, 2000, 4999]);
  for (const row of rows) {
    assertEquals([row.key, row.instructions, row.at, row.reason], [
      row.seq,
      row.seq,
      2 * row.seq,
      row.seq % 2 === 0 ? "IO" : "MMIO",
    ]);
    assertEquals(row.pc, 0xffff_ffff_8000_0000n + BigInt(row.seq));
    assertEquals([row.cycles, row.accesses, row.returns], [PRICE, 1, 1]);
  }
});

Deno.test("what is charged later goes to the row while it is there, and to no other after that", () => {
  const ring = new RowRing(2), first = push(ring, 0);
  ring.accessAgain(first, AT, PRICE);
  ring.chargeDevice(first, 5);
  const { cycles, accesses, returns, recorded } = ring.get(first)!;
  assertEquals([accesses, returns, recorded.again?.[AT]], [2, 2, 1]);
  assertEquals(cycles.device, 5);
  assertEquals(cycles.total, PRICE.total + PRICE.dispatch + PRICE.userspace + 5);
  push(ring, 1);
  push(ring, 2);
  ring.accessAgain(first, AT, PRICE);
  ring.chargeDevice(first, 5);
  assertEquals([ring.get(first), ring.indexOf(first)], [undefined, -1]);
  assertEquals(ring.list().map((row) => [row.accesses, row.cycles.device, row.recorded.again]), [
    [1, 0, undefined],
    [1, 0, undefined],
  ]);
});

Deno.test("rows of one ring are loaded into another", () => {
  const ring = new RowRing(10);
  ring.chargeDevice(push(ring, 0), 7);
  ring.accessAgain(push(ring, 1), AT, PRICE);
  const other = new RowRing(10);
  push(other, 9);
  other.load(ring.list(), 3);
  assertEquals(other.list(), ring.list());
  assertEquals([other.dropped, other.indexOf(1)], [3, 1]);
  other.clear();
  assertEquals([other.list(), other.dropped], [[], 0]);
  for (const limit of [0, -1, 1.5, NaN]) {
    assertThrows(() => new RowRing(limit), RangeError, `row limit is ${limit}`);
  }
});
