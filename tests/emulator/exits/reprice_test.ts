import { assertEquals, assertThrows } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { IO, MISCONFIG, site, UNREAD, VMCALL } from "./fixtures.ts";

const pci = loadProfile("pci-testdev");
const kvm = loadProfile("kvm-unit-tests-2012");

Deno.test("reprice() prices sums, extremes and rows under another profile", () => {
  const ledger = new Ledger(pci, { record: true });
  ledger.charge(IO, 0x1234, "in", 4, "userspace", site({ cycles: 10 }));
  ledger.chargeDevice(7);
  ledger.charge(VMCALL, 1, "none", 0, "kernel", site({ cycles: 6000 }));
  ledger.charge(IO, 0x1234, "in", 4, "userspace", site({ cycles: 8000 }));
  const priced = ledger.reprice(kvm);
  assertEquals(priced.totals().cycles.total, 20574 * 2 + 7 + 3898);
  const [io] = priced.aggregates();
  assertEquals([io.count, io.min, io.max], [2, 20574, 20581]);
  assertEquals(priced.rows.map(({ cycles }) => cycles.total), [20581, 3898, 20574]);
  // Each exit begins later by what the earlier ones cost more: 20574 - 5287, then 3898 - 1566.
  assertEquals(priced.rows.map(({ at }) => at), [10, 6000 + 15287, 8000 + 15287 + 2332]);
  assertEquals(priced.rowsComplete, true);
  assertEquals(ledger.totals().cycles.total, 5287 * 2 + 7 + 1566, "the ledger itself keeps its prices");
});

Deno.test("reprice() knows no extremes where an exit made several accesses", () => {
  const ledger = new Ledger(pci);
  ledger.charge(MISCONFIG, 0x2000, "in", 4, "kernel", UNREAD);
  ledger.accessAgain(0x2004, "in", 4, "userspace", UNREAD);
  ledger.charge(IO, 1, "in", 4, "kernel", UNREAD);
  const [io, mmio] = ledger.reprice(kvm).aggregates();
  assertEquals([io.min, mmio.min, mmio.max], [7237, undefined, undefined]);
  assertEquals(mmio.cycles.total, kvm.stagesFor("MMIO", "in", "kernel").total + 651 + 19625);
  assertEquals(ledger.reprice(kvm).totals().min, undefined);
  assertEquals(ledger.reprice(pci).aggregates(), ledger.aggregates());
});

Deno.test("reprice() refuses once the guest read its clock, until reset()", () => {
  const ledger = new Ledger(pci);
  ledger.charge(IO, 1, "in", 4, "kernel", UNREAD);
  ledger.markClockRead();
  assertThrows(() => ledger.reprice(kvm), TypeError, "the guest read its clock");
  ledger.reset();
  ledger.charge(IO, 1, "in", 4, "kernel", UNREAD);
  assertEquals(ledger.reprice(kvm).totals().cycles.total, 7237);
});

Deno.test("reprice() refuses a profile of another architecture", () => {
  const ppc = loadProfile("ppc64-hv-assumed");
  assertThrows(() => new Ledger(pci).reprice(ppc), TypeError, "it is a profile of ppc");
});

Deno.test("reprice() prices instructions if their counts are given", () => {
  const ledger = new Ledger(pci);
  assertEquals(ledger.reprice(kvm).instructionCycles, undefined);
  const { instructionCycles } = ledger.reprice(kvm, { instructions: { alu: 5, mul: 2, unheard: 3 } });
  assertEquals(instructionCycles, 5 + 2 * 3 + 3);
});

Deno.test("reprice() says if rows are missing", () => {
  const ledger = new Ledger(pci);
  ledger.charge(IO, 1, "in", 4, "kernel", UNREAD);
  assertEquals(ledger.reprice(kvm).rowsComplete, false);
});
