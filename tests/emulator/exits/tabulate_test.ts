import { assertEquals } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { HLT, IO, MISCONFIG, site, VIOLATION, VMCALL } from "./fixtures.ts";

function sample(): Ledger {
  const ledger = new Ledger(loadProfile("pci-testdev"));
  ledger.charge(VIOLATION, 0x2000, "out", 4, "userspace", site());
  for (let i = 0; i < 4; i++) ledger.charge(MISCONFIG, 0x2000, "out", 4, "userspace", site());
  ledger.charge(IO, 0x3f8, "in", 1, "kernel", site());
  ledger.charge(IO, 0x3f8, "out", 1, "userspace", site());
  ledger.charge(VMCALL, 5, "none", 0, "kernel", site());
  return ledger;
}

const names = (ledger: Ledger, by: Parameters<typeof tabulateExits>[1]) =>
  tabulateExits(ledger, by).rows.map(({ name, samples }) => [name, samples]);

Deno.test("tabulateExits() groups by what is asked for, dearest first", () => {
  const ledger = sample();
  assertEquals(names(ledger, {}), [["EPT_MISCONFIG", 4], ["EPT_VIOLATION", 1], ["IO_INSTRUCTION", 2], [
    "VMCALL",
    1,
  ]]);
  assertEquals(names(ledger, { by: "reason" }), [["MMIO", 5], ["IO", 2], ["HYPERCALL", 1]]);
  assertEquals(names(ledger, { by: "port" }), [["0x3f8:POUT", 1], ["0x3f8:PIN", 1]]);
  assertEquals(names(ledger, { by: "gpa" }), [["0x2000:W", 5]]);
  assertEquals(names(ledger, { by: "hypercall" }), [["0x5", 1]]);
  assertEquals(names(ledger, { by: "msr" }), []);
  const nameOf = (space: string, key: number) => space === "port" && key === 0x3f8 ? "uart" : undefined;
  assertEquals(names(ledger, { by: "port", nameOf }), [["0x3f8:POUT uart", 1], ["0x3f8:PIN uart", 1]]);
});

Deno.test("tabulateExits() has shares, means and a total that its lines sum to", () => {
  const { rows, total, exits, notShown } = tabulateExits(sample(), { by: "port" });
  assertEquals([exits, notShown, total.samples, total.cycles.total], [8, 6, 2, 1762 + 5287]);
  assertEquals([total.average, total.min, total.max, total.returns], [3524.5, 1762, 5287, 1]);
  assertEquals(rows.map(({ samplesShare }) => samplesShare), [0.5, 0.5]);
  assertEquals(rows.reduce((sum, row) => sum + row.timeShare, 0), 1);
  assertEquals(total.averageStages, {
    worldSwitch: 1500,
    dispatch: 262,
    decode: 0,
    userspace: 1762.5,
    device: 0,
    total: 3524.5,
  });
});

Deno.test("tabulateExits() says where the figures that it shows are from", () => {
  const { provenance } = tabulateExits(sample(), { by: "gpa" });
  assertEquals(provenance, {
    worldSwitch: ["calibrated"],
    dispatch: ["assumed"],
    decode: ["calibrated"],
    userspace: ["calibrated"],
  });
  assertEquals(tabulateExits(sample()).provenance.dispatch, ["calibrated", "assumed"]);
});

Deno.test("tabulateExits() by pc takes the recorded rows and says what is missing", () => {
  const ledger = new Ledger(loadProfile("pci-testdev"));
  ledger.charge(HLT, 0, "none", 0, "kernel", site());
  ledger.record(true);
  for (const pc of [0x10n, 0x20n, 0x10n]) {
    ledger.charge(IO, 1, "in", 1, "kernel", site({ pc, name: pc > 0x10n ? "f" : undefined }));
  }
  const { rows, total, notes } = tabulateExits(ledger, { by: "pc" });
  assertEquals(rows.map(({ name, samples }) => [name, samples]), [["0x10", 2], ["0x20 f", 1]]);
  assertEquals([total.samples, notes.length], [3, 1]);
  assertEquals(notes[0].startsWith("1 of 4 exits have no row"), true);
});

Deno.test("tabulateExits() notes keys that were counted together and extremes that are unknown", () => {
  const ledger = new Ledger(loadProfile("pci-testdev"), { keyLimit: 1 });
  ledger.charge(IO, 1, "in", 1, "kernel", site());
  ledger.charge(IO, 2, "in", 1, "kernel", site());
  ledger.accessAgain(2, "in", 1, "kernel", site());
  const table = tabulateExits(ledger.reprice(loadProfile("tsirkin-2013")), { by: "port" });
  assertEquals(table.rows.map(({ name, min }) => [name, min]), [["other keys:PIN", null], ["0x1:PIN", 1737]]);
  assertEquals(table.notes.map((note) => note.split(":")[0]), ["other keys", "?"]);
});

Deno.test("an exit table of no exits is all zeroes", () => {
  const { total, rows, provenance } = tabulateExits(new Ledger(loadProfile("pci-testdev")));
  assertEquals([rows.length, total.samples, total.average, total.min, provenance], [0, 0, 0, null, {}]);
});
