/** The OpenPIC: vectors and priorities, the task's priority, sense, nesting, spurious acknowledges, reset. */
import { assertEquals } from "@std/assert";
import { OpenPic } from "../../../../emulator/machine/interrupts/open_pic.ts";

const MASK = 0x8000_0000, ACTIVE = 0x4000_0000, LEVEL = 0x0040_0000;
const source = (n: number) => 0x1_0000 + 0x20 * n;
const TASK = 0x2_0080, ACKNOWLEDGE = 0x2_00a0, END = 0x2_00b0;

function ready(...sources: [number, number, number][]): OpenPic {
  const pic = new OpenPic();
  for (const [n, priority, rest] of sources) pic.write(source(n), (priority << 16 | rest) >>> 0);
  pic.write(TASK, 0);
  return pic;
}

Deno.test("everything is masked after reset, and the task has the highest priority", () => {
  const pic = new OpenPic();
  assertEquals([pic.read(source(3)), pic.read(TASK), pic.read(ACKNOWLEDGE)], [MASK, 15, 0xff]);
  assertEquals(pic.read(0x1000), 0x000f_0002, "16 sources, 1 processor, version 1.2");
});

Deno.test("the highest priority goes first; what is served keeps the same and lower ones out", () => {
  const pic = ready([1, 5, 0x41], [2, 9, 0x42], [3, 9, 0x43]);
  for (const n of [1, 2, 3]) pic.setLine(n, true);
  assertEquals([pic.read(ACKNOWLEDGE), pic.asks(0), pic.read(ACKNOWLEDGE)], [0x42, false, 0xff]);
  pic.write(END, 0);
  assertEquals([pic.asks(0), pic.read(ACKNOWLEDGE)], [true, 0x43]);
  pic.write(END, 0);
  assertEquals(pic.read(ACKNOWLEDGE), 0x41);
  pic.setLine(2, false);
  pic.setLine(2, true);
  // Nested: a better one while 0x41 is served, then back to it.
  assertEquals(pic.read(ACKNOWLEDGE), 0x42);
  pic.write(END, 0);
  assertEquals([pic.asks(0), (pic.read(source(1)) & ACTIVE) !== 0], [false, true]);
  pic.write(END, 0);
  assertEquals([pic.asks(0), pic.read(source(1)) & ACTIVE], [false, 0]);
});

Deno.test("the task's priority and 0 keep sources out", () => {
  const pic = ready([1, 5, 0x41], [2, 0, 0x42]);
  pic.write(TASK, 5);
  pic.setLine(1, true);
  pic.setLine(2, true);
  assertEquals(pic.asks(0), false);
  pic.write(TASK, 4);
  assertEquals(pic.read(ACKNOWLEDGE), 0x41);
  pic.write(END, 0);
  pic.write(TASK, 0);
  assertEquals(pic.asks(0), false, "priority 0 never interrupts");
});

Deno.test("a masked edge waits, a level asks as long as it lasts", () => {
  const pic = ready([1, 5, MASK | 0x41], [2, 6, LEVEL | 0x42]);
  pic.setLine(1, true);
  pic.setLine(1, false);
  assertEquals([pic.asks(0), (pic.read(source(1)) & ACTIVE) !== 0], [false, true]);
  pic.write(source(1), 5 << 16 | 0x41);
  assertEquals(pic.read(ACKNOWLEDGE), 0x41);
  pic.write(END, 0);
  pic.setLine(2, true);
  assertEquals(pic.read(ACKNOWLEDGE), 0x42);
  pic.write(END, 0);
  assertEquals(pic.asks(0), true);
  pic.setLine(2, false);
  assertEquals([pic.asks(0), pic.read(ACKNOWLEDGE)], [false, 0xff]);
});

Deno.test("the spurious vector can be set, and the processor's registers are found in its own place too", () => {
  const pic = ready([1, 5, 0x41]);
  pic.write(0x10e0, 0x3f);
  assertEquals([pic.read(ACKNOWLEDGE), pic.read(0x10e0)], [0x3f, 0x3f]);
  pic.setLine(1, true);
  assertEquals(pic.read(0xa0), 0x41);
  pic.write(0xb0, 0);
  pic.write(0x1020, 0x8000_0000);
  assertEquals([pic.read(0x80), pic.read(source(1)), pic.read(0x10e0)], [15, MASK, 0xff]);
});
