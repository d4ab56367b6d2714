import { assertEquals } from "@std/assert";
import { Ledger, OTHER_KEYS } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { aggregatesCsv, rowsCsv, snapshot } from "../../../emulator/exits/snapshot.ts";
import { IO, MISCONFIG, site } from "./fixtures.ts";

function sample(order: readonly number[]): Ledger {
  const ledger = new Ledger(loadProfile("pci-testdev"), { record: true, keyLimit: 2 });
  for (const key of order) {
    ledger.charge(IO, key, "out", 1, "userspace", site({ pc: 0xffff_ffff_8000_0000n, name: 'a,"b"' }));
  }
  ledger.charge(MISCONFIG, 4096, "in", 8, "kernel", site());
  return ledger;
}

Deno.test("snapshot() is plain JSON, equal for equal ledgers", () => {
  const text = JSON.stringify(snapshot(sample([1, 2, 3])));
  assertEquals(text, JSON.stringify(snapshot(sample([1, 2, 3]))));
  assertEquals(JSON.parse(text), snapshot(sample([1, 2, 3])));
  const { aggregates, rows, totals, profile, droppedRows } = snapshot(sample([1, 2, 3]));
  assertEquals(aggregates.map(({ key }) => key), [1, 2, null, 4096]);
  assertEquals([rows[0].pc, rows[0].symbol, rows[3].symbol], ["0xffffffff80000000", 'a,"b"', null]);
  assertEquals([totals.count, totals.cycles.total, droppedRows], [4, 3 * 5287 + 3609, 0]);
  assertEquals(profile.name, "pci-testdev");
});

Deno.test("snapshot() lists aggregates in one order, whatever came first", () => {
  const list = (order: readonly number[]) => JSON.stringify(snapshot(sample(order)).aggregates);
  assertEquals(list([2, 1]), list([1, 2]));
});

Deno.test("snapshot() of a ledger priced again says that extremes are unknown", () => {
  const ledger = sample([1]);
  ledger.accessAgain(4100, "in", 4, "kernel", site());
  const { aggregates } = snapshot(ledger.reprice(loadProfile("tsirkin-2013")));
  assertEquals(aggregates.map(({ min, max }) => [min, max]), [[1737 + 3525, 1737 + 3525], [null, null]]);
});

Deno.test("aggregatesCsv() and rowsCsv() have a header, a line each, and quote what needs it", () => {
  const lines = rowsCsv(sample([1])).split("\n");
  assertEquals(lines, [
    "seq,vcpu,reason,native,code,keySpace,key,direction,size,handledIn,pc,symbol,instructions,at," +
    "cycles.worldSwitch,cycles.dispatch,cycles.decode,cycles.userspace,cycles.device,cycles.total,accesses,returns," +
    "profile,provenance.worldSwitch,provenance.dispatch,provenance.decode,provenance.userspace",
    '0,0,IO,IO_INSTRUCTION,30,port,1,out,1,userspace,0xffffffff80000000,"a,""b""",0,0,1500,262,0,3525,0,5287,1,1,' +
    "pci-testdev,calibrated,calibrated,,calibrated",
    "1,0,MMIO,EPT_MISCONFIG,49,gpa,4096,in,8,kernel,0x1000,,0,0,1500,262,1847,0,0,3609,1,0," +
    "pci-testdev,calibrated,assumed,calibrated,",
    "",
  ]);
  const aggregates = aggregatesCsv(sample([1, 2, 3])).split("\n");
  assertEquals(aggregates.length, 6);
  assertEquals(aggregates[0].split(",").length, aggregates[3].split(",").length);
  assertEquals(aggregates[3].startsWith("IO,IO_INSTRUCTION,30,port,,out,userspace,1,1,1,1,0,0,0,0,"), true);
  assertEquals(OTHER_KEYS, -1);
});
