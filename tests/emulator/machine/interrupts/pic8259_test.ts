/** The 8259A pair against its data sheet: priorities, edges and levels, cascade, ends of interrupt, spurious ones. */
import { assertEquals } from "@std/assert";
import { type Pic8259, PicPair } from "../../../../emulator/machine/interrupts/pic8259.ts";

/** ICW1 to ICW4 as PCs have them: vectors 0x20 and 0x28 on, nothing masked. */
function pair(options: { icw1?: number; icw4?: number } = {}): PicPair {
  const pics = new PicPair();
  const start = (pic: Pic8259, base: number, icw3: number) => {
    pics.write(pic, false, options.icw1 ?? 0x11);
    for (const word of [base, icw3, options.icw4 ?? 1]) pics.write(pic, true, word);
  };
  start(pics.master, 0x20, 4);
  start(pics.slave, 0x28, 2);
  return pics;
}

function pulse(pics: PicPair, line: number): void {
  pics.setLine(line, false);
  pics.setLine(line, true);
}
function isr(pics: PicPair, pic: Pic8259): number {
  pics.write(pic, false, 0x0b);
  return pics.read(pic, false);
}
function irr(pics: PicPair, pic: Pic8259): number {
  pics.write(pic, false, 0x0a);
  return pics.read(pic, false);
}
const EOI = 0x20;

Deno.test("the lower line goes first, and what is in service keeps the ones after it out", () => {
  const pics = pair();
  pulse(pics, 5);
  pulse(pics, 3);
  assertEquals([irr(pics, pics.master), pics.acknowledge(), isr(pics, pics.master)], [0x28, 0x23, 0x08]);
  assertEquals(pics.int, false);
  pulse(pics, 1);
  assertEquals([pics.int, pics.acknowledge(), isr(pics, pics.master)], [true, 0x21, 0x0a]);
  // Non-specific: the one of highest priority ends.
  pics.write(pics.master, false, EOI);
  assertEquals([isr(pics, pics.master), pics.int], [0x08, false]);
  pics.write(pics.master, false, EOI);
  assertEquals([pics.int, pics.acknowledge()], [true, 0x25]);
});

Deno.test("the mask register holds requests back without losing them", () => {
  const pics = pair();
  pics.write(pics.master, true, 0x10);
  pulse(pics, 4);
  assertEquals([pics.int, irr(pics, pics.master), pics.read(pics.master, true)], [false, 0x10, 0x10]);
  pics.write(pics.master, true, 0);
  assertEquals([pics.int, pics.acknowledge()], [true, 0x24]);
});

Deno.test("an edge makes one request, a level one as long as it lasts", () => {
  const pics = pair();
  pics.setLine(5, true);
  assertEquals(pics.acknowledge(), 0x25);
  pics.write(pics.master, false, EOI);
  assertEquals(pics.int, false, "the line is still high");

  pics.writeElcr(pics.master, 0xff);
  assertEquals(pics.master.elcr, 0xf8, "timer, keyboard and cascade are edge-triggered always");
  pics.setLine(6, true);
  assertEquals(pics.acknowledge(), 0x26);
  pics.write(pics.master, false, EOI);
  assertEquals([pics.int, pics.acknowledge()], [true, 0x26]);
  pics.setLine(6, false);
  pics.write(pics.master, false, EOI);
  assertEquals(pics.int, false);
});

Deno.test("ICW1 with LTIM makes every input level-triggered", () => {
  const pics = pair({ icw1: 0x19 });
  pics.setLine(0, true);
  pics.acknowledge();
  pics.write(pics.master, false, EOI);
  assertEquals(pics.int, true);
});

Deno.test("a request that is gone at the acknowledge is spurious: line 7 or 15, and not in service", () => {
  const pics = pair();
  pics.setLine(3, true);
  pics.setLine(3, false);
  assertEquals([pics.int, pics.acknowledge(), isr(pics, pics.master)], [false, 0x27, 0]);
  // Of the slave the master does not know: it has its own input in service.
  pics.slave.setLine(4, true);
  pics.write(pics.slave, false, 0x0b);
  pics.slave.setLine(4, false);
  assertEquals([pics.acknowledge(), isr(pics, pics.slave), isr(pics, pics.master)], [0x2f, 0, 4]);
});

Deno.test("the slave's lines come through input 2 and take an end each", () => {
  const pics = pair();
  pulse(pics, 12);
  pulse(pics, 9);
  pulse(pics, 3);
  assertEquals([pics.acknowledge(), isr(pics, pics.slave), isr(pics, pics.master)], [0x29, 2, 4]);
  pics.write(pics.slave, false, EOI);
  assertEquals(pics.int, false, "input 2 is in service");
  pics.write(pics.master, false, EOI);
  assertEquals(pics.acknowledge(), 0x2c);
  // Fully nested: one above the slave's own does not pass while input 2 is in service.
  pulse(pics, 8);
  assertEquals(pics.int, false);
  pics.write(pics.master, false, EOI);
  assertEquals(pics.acknowledge(), 0x28);
});

Deno.test("special fully nested mode lets the slave's better ones through", () => {
  const pics = pair({ icw4: 0x11 });
  pulse(pics, 12);
  assertEquals(pics.acknowledge(), 0x2c);
  pulse(pics, 9);
  assertEquals([pics.int, pics.acknowledge()], [true, 0x29]);
});

Deno.test("specific ends, rotations and set priority", () => {
  const pics = pair();
  for (const line of [1, 3]) pulse(pics, line);
  assertEquals(pics.acknowledge(), 0x21);
  pics.write(pics.master, false, 0x61);
  assertEquals([isr(pics, pics.master), pics.acknowledge()], [0, 0x23]);
  // Rotate on non-specific end: 3 is the lowest now, 4 the highest.
  pics.write(pics.master, false, 0xa0);
  for (const line of [3, 1, 5]) pulse(pics, line);
  const order = [];
  while (pics.int) {
    order.push(pics.acknowledge());
    pics.write(pics.master, false, EOI);
  }
  assertEquals(order, [0x25, 0x21, 0x23]);
  // Set priority: 0 the lowest, then 1 the highest.
  pics.write(pics.master, false, 0xc0);
  for (const line of [0, 1]) pulse(pics, line);
  assertEquals(pics.acknowledge(), 0x21);
  // Rotate on specific end: 1 the lowest, 2 the highest.
  pics.write(pics.master, false, 0xe1);
  pulse(pics, 1);
  assertEquals(pics.acknowledge(), 0x20);
});

Deno.test("automatic end of interrupt leaves nothing in service, and may rotate", () => {
  const pics = pair({ icw4: 3 });
  pics.write(pics.master, false, 0x80);
  for (const line of [0, 1]) pulse(pics, line);
  assertEquals([pics.acknowledge(), isr(pics, pics.master)], [0x20, 0]);
  pulse(pics, 0);
  assertEquals([pics.acknowledge(), pics.acknowledge()], [0x21, 0x20]);
});

Deno.test("a slave with automatic ends gives one request after the other", () => {
  const pics = pair({ icw4: 3 });
  for (const line of [8, 9]) pulse(pics, line);
  assertEquals([pics.acknowledge(), pics.int, pics.acknowledge(), pics.int], [0x28, true, 0x29, false]);
});

Deno.test("special mask mode lets lower ones in while a masked one is in service", () => {
  const pics = pair();
  pulse(pics, 3);
  pics.acknowledge();
  pulse(pics, 6);
  pics.write(pics.master, true, 0x08);
  assertEquals(pics.int, false);
  pics.write(pics.master, false, 0x68);
  assertEquals([pics.int, pics.acknowledge()], [true, 0x26]);
  pics.write(pics.master, false, EOI);
  assertEquals(isr(pics, pics.master), 0x08, "a non-specific end does not clear a masked one");
});

Deno.test("a poll acknowledges by a read", () => {
  const pics = pair();
  pics.write(pics.master, false, 0x0c);
  assertEquals(pics.read(pics.master, false), 0);
  pulse(pics, 5);
  pics.write(pics.master, false, 0x0c);
  assertEquals([pics.read(pics.master, false), isr(pics, pics.master)], [0x85, 0x20]);
});

Deno.test("initialization clears mask and service, and a line that is high has to rise again", () => {
  const pics = pair();
  pics.setLine(5, true);
  pics.acknowledge();
  pics.write(pics.master, true, 0xff);
  pics.write(pics.master, false, 0x13);
  pics.write(pics.master, true, 0x40);
  pics.write(pics.master, true, 1);
  assertEquals([pics.read(pics.master, true), isr(pics, pics.master), irr(pics, pics.master)], [0, 0, 0]);
  pulse(pics, 5);
  assertEquals(pics.acknowledge(), 0x45);
});
