import { assertEquals } from "@std/assert";
import { eventStats } from "../../../emulator/exits/event_stats.ts";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { IO, MISCONFIG, site, VMCALL } from "./fixtures.ts";

const profile = loadProfile("x86-default");

/** Port writes with 0, 100 and 200 cycles of device work, an MMIO load, a hypercall. */
function sample(record: boolean): Ledger {
  const ledger = new Ledger(profile, { record });
  for (const cycles of [0, 100, 200]) {
    ledger.charge(IO, 0x80, "out", 1, "userspace", site());
    ledger.chargeDevice(cycles);
  }
  ledger.charge(MISCONFIG, 0xfeb0_0000, "in", 4, "userspace", site({ vcpu: 1 }));
  ledger.charge(VMCALL, 5, "none", 0, "kernel", site());
  return ledger;
}

Deno.test("eventStats() counts by reason, most samples first, with the standard error of the mean", () => {
  const { rows, samples, time, notes } = eventStats(sample(true), "vmexit");
  assertEquals(rows.map(({ name, samples, min, max }) => [name, samples, min, max]), [
    ["IO_INSTRUCTION", 3, 5287, 5487],
    ["EPT_MISCONFIG", 1, 8796, 8796],
    ["VMCALL", 1, 1566, 1566],
  ]);
  // By hand: the sample's deviation is 100, by the root of 3, of a mean of 5387.
  assertEquals(Math.abs(rows[0].error! - 100 * (100 / Math.sqrt(3)) / 5387) < 1e-9, true);
  assertEquals([rows[1].error, samples, time, notes], [0, 5, 3 * 5387 + 8796 + 1566, []]);
});

Deno.test("eventStats() names keys as perf does, and sorts by its keys", () => {
  const names = (event: Parameters<typeof eventStats>[1]) =>
    eventStats(sample(true), event).rows.map(({ name }) => name);
  assertEquals([names("mmio"), names("ioport"), names("hcall")], [["0xfeb00000:R"], ["0x80:POUT"], ["0x5"]]);
  const first = (key: "time" | "min_time" | "mean_time" | "max_time") =>
    eventStats(sample(true), "vmexit", { key }).rows[0].name;
  assertEquals([first("time"), first("min_time"), first("mean_time")], [
    "IO_INSTRUCTION",
    "EPT_MISCONFIG",
    "EPT_MISCONFIG",
  ]);
});

Deno.test("eventStats() without rows knows a spread only where exits cost the same", () => {
  const { rows, notes } = eventStats(sample(false), "vmexit");
  assertEquals(rows.map(({ error }) => error), [null, 0, 0]);
  assertEquals(notes.length, 1);
});

Deno.test("eventStats() of one vCPU is from rows", () => {
  const one = eventStats(sample(true), "vmexit", { vcpu: 1 });
  assertEquals(one.rows.map(({ name }) => name), ["EPT_MISCONFIG"]);
  const none = eventStats(sample(false), "vmexit", { vcpu: 1 });
  assertEquals([none.samples, none.notes.length], [0, 1]);
});
