/** The 8254's counters against its data sheet: outputs by mode, reading, latching, BCD. */
import { assertEquals } from "@std/assert";
import { Pit8254 } from "../../../../emulator/machine/interrupts/pit8254.ts";

function started(control: number, count: number, now = 0): Pit8254 {
  const pit = new Pit8254();
  pit.write(3, control, now);
  pit.write(0, count & 0xff, now);
  pit.write(0, count >> 8, now);
  return pit;
}
const outputs = (pit: Pit8254, to: number) =>
  Array.from({ length: to }, (_, now) => pit.output(now) ? "1" : "0").join("");
/** All rises of the output up to a time, as `nextRise` tells them. */
function rises(pit: Pit8254, to: number): number[] {
  const found = [];
  for (let at = pit.nextRise(0); at < to; at = pit.nextRise(at)) found.push(at);
  return found;
}

Deno.test("mode 0: low until the count has passed, one clock after it is loaded", () => {
  const pit = started(0x30, 4);
  assertEquals([outputs(pit, 9), rises(pit, 100)], ["000001111", [5]]);
});

Deno.test("mode 2: low for the last clock of each period", () => {
  const pit = started(0x34, 3);
  assertEquals([outputs(pit, 11), rises(pit, 11)], ["11101101101", [4, 7, 10]]);
});

Deno.test("mode 3: half high and half low, the odd clock high", () => {
  assertEquals([outputs(started(0x36, 4), 10), rises(started(0x36, 4), 10)], ["1110011001", [5, 9]]);
  assertEquals(outputs(started(0x36, 5), 12), "111100111001");
});

Deno.test("rises are where the output rises", () => {
  for (const control of [0x30, 0x34, 0x36]) {
    for (const count of [2, 3, 7, 8]) {
      const pit = started(control, count);
      const seen = [];
      for (let now = 1; now < 60; now++) if (!pit.output(now - 1) && pit.output(now)) seen.push(now);
      assertEquals(rises(pit, 60), seen, `control ${control}, count ${count}`);
    }
  }
});

Deno.test("a count of 0 is 65536, in BCD 10000", () => {
  assertEquals(started(0x34, 0).nextRise(0), 65_537);
  assertEquals(started(0x35, 0).nextRise(0), 10_001);
  assertEquals(started(0x35, 0x1234).nextRise(0), 1235);
});

Deno.test("the count is read low byte first, and a latched one stays until it is read", () => {
  const pit = started(0x34, 0x1000);
  assertEquals([pit.read(0, 0x101), pit.read(0, 0x101)], [0x00, 0x0f]);
  pit.write(3, 0x00, 0x101);
  pit.write(3, 0x00, 0x300);
  assertEquals([pit.read(0, 0x301), pit.read(0, 0x301)], [0x00, 0x0f]);
  assertEquals([pit.read(0, 0x301), pit.read(0, 0x301)], [0x00, 0x0d]);
  const bcd = started(0x35, 0x1000);
  assertEquals([bcd.read(0, 2), bcd.read(0, 2)], [0x99, 0x09]);
});

Deno.test("access by the low or the high byte alone", () => {
  const pit = new Pit8254();
  pit.write(3, 0x14, 0);
  pit.write(0, 5, 0);
  assertEquals(pit.nextRise(0), 6);
  pit.write(3, 0x24, 0);
  pit.write(0, 1, 0);
  assertEquals([pit.nextRise(0), pit.read(0, 1)], [257, 1]);
});

Deno.test("the read-back command gives status and count", () => {
  const pit = started(0x34, 0x0203);
  pit.write(3, 0xc2, 1);
  assertEquals([pit.read(0, 9), pit.read(0, 9), pit.read(0, 9)], [0xb4, 0x03, 0x02]);
  pit.write(3, 0x30, 9);
  pit.write(3, 0xe2, 9);
  assertEquals(pit.read(0, 9), 0x70, "output low, no count yet");
});

Deno.test("mode 3 counts by twos, twice in each period", () => {
  const pit = started(0x36, 8);
  const counts = [];
  for (let now = 1; now < 10; now++) {
    counts.push(pit.read(0, now));
    pit.read(0, now);
  }
  assertEquals(counts, [8, 6, 4, 2, 8, 6, 4, 2, 8]);
});
