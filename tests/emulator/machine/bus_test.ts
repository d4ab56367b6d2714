import { assertEquals, assertThrows } from "@std/assert";
import { Bus } from "../../../emulator/machine/bus.ts";

const handler = { read: () => 0, write: () => {} };

Deno.test("add() refuses overlaps, and neighbours stand side by side", () => {
  const bus = new Bus("port", 0x1_0000);
  bus.add({ base: 0x20, size: 0x10, name: "a" }, handler);
  bus.add({ base: 0x30, size: 0x10, name: "c" }, handler);
  bus.add({ base: 0x1f, size: 1, name: "b" }, handler);
  for (const [base, size] of [[0x2f, 1], [0x1f, 1], [0, 0x1_0000], [0x25, 2], [0x10, 0x11]]) {
    assertThrows(() => bus.add({ base, size, name: "x" }, handler), RangeError, "of x overlaps");
  }
  assertEquals(bus.list.map(({ name }) => name), ["b", "a", "c"]);
});

Deno.test("add() refuses what lies outside the bus", () => {
  const bus = new Bus("port", 0x1_0000);
  for (const [base, size] of [[-1, 2], [0xffff, 2], [0, 0], [0, -1], [NaN, 1], [0.5, 1], [0x1_0000, 1]]) {
    assertThrows(() => bus.add({ base, size, name: "x" }, handler), RangeError, "lies outside 0x0-0xffff");
  }
  bus.add({ base: 0xffff, size: 1, name: "last" }, handler);
  assertEquals(bus.find(0xffff)?.name, "last");
});

Deno.test("find() finds the range that holds every byte", () => {
  const bus = new Bus("guest-physical", 2 ** 52);
  bus.add({ base: 0x1000, size: 8, name: "a" }, handler);
  bus.add({ base: 0x1008, size: 8, name: "b" }, handler);
  assertEquals([bus.find(0x1000, 8)?.name, bus.find(0x1004, 4)?.name, bus.find(0x1008)?.name], [
    "a",
    "a",
    "b",
  ]);
  // Across both is in neither.
  assertEquals([bus.find(0x1006, 4), bus.find(0xfff), bus.find(0x1010)], [undefined, undefined, undefined]);
});

Deno.test("remove() forgets a range that was found last", () => {
  const bus = new Bus("port", 0x1_0000);
  bus.add({ base: 5, size: 1, name: "a" }, handler);
  assertEquals([bus.find(5)?.name, bus.remove(4), bus.remove(5), bus.remove(5)], ["a", false, true, false]);
  assertEquals(bus.find(5), undefined);
});
