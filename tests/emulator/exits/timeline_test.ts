import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { tabulateTimeline } from "../../../emulator/exits/timeline.ts";
import { HLT, IO, MISCONFIG, NATIVES, site } from "./fixtures.ts";

const profile = loadProfile("x86-default");

/** Three exits one after the other: IO of 1762 at 0, MMIO of 3609 at 2000, HLT of 1566 at 6000. */
function sample(): Ledger {
  const ledger = new Ledger(profile, { record: true });
  ledger.charge(IO, 0x80, "out", 1, "kernel", site({ cycles: 0 }));
  ledger.charge(MISCONFIG, 0xfeb0_0000, "in", 4, "kernel", site({ cycles: 2000, vcpu: 1 }));
  ledger.charge(HLT, 0, "none", 0, "kernel", site({ cycles: 6000 }));
  return ledger;
}

Deno.test("tabulateTimeline() counts exits where they begin and spreads their cycles", () => {
  const data = tabulateTimeline(sample(), { buckets: 4 });
  assertEquals([data.from, data.to, data.bucketCycles, data.vcpus, data.notShown], [0, 7566, 1892, 2, 0]);
  assertEquals(data.series, [
    { name: "EPT_MISCONFIG", samples: 1, cycles: 3609 },
    { name: "IO_INSTRUCTION", samples: 1, cycles: 1762 },
    { name: "HLT", samples: 1, cycles: 1566 },
  ]);
  assertEquals(data.buckets.map(({ samples, cycles }) => [samples, cycles]), [
    [1, 1762],
    [1, 1784],
    [0, 1825],
    [
      1,
      1566,
    ],
  ]);
  assertEquals(data.buckets[2].series[0], { samples: 0, cycles: 1825 });
  assertEquals(data.provenance.decode, ["calibrated"]);
});

Deno.test("tabulateTimeline() groups by key, takes a range, and keeps the dearest kinds apart", () => {
  const byPort = tabulateTimeline(sample(), { by: "port", buckets: 2, nameOf: () => "post" });
  assertEquals(byPort.series.map(({ name }) => name), ["0x80:POUT post"]);
  assertEquals(byPort.notShown, 2);
  const part = tabulateTimeline(sample(), { from: 1000, to: 3000, buckets: 2, by: "reason" });
  assertEquals(part.buckets.map(({ samples, cycles }) => [samples, cycles]), [[0, 762], [1, 1000]]);
  const two = tabulateTimeline(sample(), { series: 1 });
  assertEquals(two.series.map(({ name, samples }) => [name, samples]), [["EPT_MISCONFIG", 1], ["others", 2]]);
});

Deno.test("tabulateTimeline() without rows is empty, and says what is missing", () => {
  const ledger = new Ledger(profile);
  assertEquals(tabulateTimeline(ledger).buckets, []);
  ledger.charge(IO, 1, "out", 1, "kernel", site());
  const { buckets, notes, exits, notShown } = tabulateTimeline(ledger);
  assertEquals([buckets.length, exits, notShown], [0, 1, 1]);
  assertEquals(notes.length, 1);
});

Deno.test("tabulateTimeline() refuses buckets and ranges that are none", () => {
  for (
    const options of [{ buckets: 0 }, { buckets: 1.5 }, { buckets: 10_001 }, { from: -1 }, { from: 5, to: 5 }]
  ) {
    assertThrows(() => tabulateTimeline(sample(), options), RangeError, "of a timeline is");
  }
});

Deno.test("tabulateTimeline() loses no exit and no cycle, whatever the buckets", () => {
  const exit = fc.record({ native: fc.nat(4), gap: fc.nat(10_000), device: fc.nat(50_000), vcpu: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(exit, { maxLength: 60 }), fc.integer({ min: 1, max: 200 }), (exits, buckets) => {
      const ledger = new Ledger(profile, { record: true }), clocks = [0, 0, 0];
      for (const { native, gap, device, vcpu } of exits) {
        clocks[vcpu] += gap;
        ledger.charge(NATIVES[native], 1, "out", 1, "userspace", site({ cycles: clocks[vcpu], vcpu }));
        ledger.chargeDevice(device, vcpu);
        clocks[vcpu] += ledger.lastRow!.cycles.total;
      }
      const data = tabulateTimeline(ledger, { buckets, series: 2 });
      const sum = (valueOf: (bucket: (typeof data.buckets)[number]) => number) =>
        data.buckets.reduce((total, bucket) => total + valueOf(bucket), 0);
      assertEquals(sum(({ samples }) => samples), exits.length);
      assertEquals(sum(({ cycles }) => cycles), ledger.cycles);
      assertEquals(data.buckets.length <= buckets, true);
      for (const { from, to, cycles } of data.buckets) assertEquals(cycles <= (to - from) * data.vcpus, true);
    }),
  );
});
