import { assert, assertEquals } from "@std/assert";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { tabulateExits } from "../../../emulator/exits/tabulate.ts";
import { exitTableJson, exitTableLines } from "../../../shell/reports/exit_table.ts";
import { IO, MISCONFIG, site } from "../../emulator/exits/fixtures.ts";

function sample(): Ledger {
  const ledger = new Ledger(loadProfile("tsirkin-2013"));
  for (let i = 0; i < 3; i++) ledger.charge(IO, 0x3f8, "out", 1, "kernel", site());
  ledger.chargeDevice(40);
  ledger.charge(MISCONFIG, 0xfebf0000, "out", 2, "kernel", site());
  return ledger;
}

const FOOT = [
  "profile tsirkin-2013: Tsirkin 2013: vmcall, outw and MMIO handled in the kernel (Intel, KVM)",
  "source: Michael S. Tsirkin, KVM list, 2013 (spinics kvm msg87112)",
];

Deno.test("exitTableLines() prints perf's columns, the stages and the profile's line", () => {
  assertEquals(exitTableLines(tabulateExits(sample()), { width: 140 }), [
    "VM-EXIT         Samples  Samples%    Time%   Min   Max      Avg  Returns  World  Dispatch  Decode  Userspace  Device",
    "--------------  -------  --------  -------  ----  ----  -------  -------  -----  --------  ------  ---------  ------",
    "IO_INSTRUCTION        3    75.00%   54.74%  1737  1777  1750.33        0   1500       237       0          0   13.33",
    "EPT_MISCONFIG         1    25.00%   45.26%  4341  4341  4341.00        0   1500       237    2604          0    0.00",
    "Total                 4   100.00%  100.00%  1737  4341  2398.00        0   1500       237     651          0   10.00",
    "",
    "4 exits, 9592 cycles; stages and Avg are means of one exit in cycles",
    ...FOOT,
    "figures: world switch calibrated; dispatch calibrated and assumed; decode calibrated; device as the devices charge",
  ]);
});

Deno.test("exitTableLines() puts the stages below where the terminal is narrow", () => {
  const lines = exitTableLines(tabulateExits(sample(), { by: "port" }), { width: 80 });
  assertEquals(lines.slice(0, 9), [
    "IO Port Access  Samples  Samples%    Time%   Min   Max      Avg  Returns",
    "--------------  -------  --------  -------  ----  ----  -------  -------",
    "0x3f8:POUT            3   100.00%  100.00%  1737  1777  1750.33        0",
    "Total                 3   100.00%  100.00%  1737  1777  1750.33        0",
    "",
    "IO Port Access  World  Dispatch  Decode  Userspace  Device",
    "--------------  -----  --------  ------  ---------  ------",
    "0x3f8:POUT       1500       237       0          0   13.33",
    "Total            1500       237       0          0   13.33",
  ]);
  assertEquals(lines[10], "3 of 4 exits, 5251 cycles; stages and Avg are means of one exit in cycles");
});

Deno.test("exitTableLines() breaks the lines below a table at the terminal's width", () => {
  const lines = exitTableLines(tabulateExits(sample(), { by: "port" }), { width: 72 });
  assertEquals(lines.slice(10, 14), [
    "3 of 4 exits, 5251 cycles; stages and Avg are means of one exit in",
    "  cycles",
    "profile tsirkin-2013: Tsirkin 2013: vmcall, outw and MMIO handled in the",
    "  kernel (Intel, KVM)",
  ]);
});

Deno.test("exitTableLines() in us names the frequency and its provenance", () => {
  const lines = exitTableLines(tabulateExits(sample(), { by: "gpa" }), { width: 140, unit: "us" });
  assertEquals(
    lines[2],
    "0xfebf0000:W        1   100.00%  100.00%  1.81us  1.81us  1.81us        0  0.63us    0.10us  1.08us     0.00us  0.00us",
  );
  assertEquals(
    lines[5],
    "1 of 4 exits, 4341 cycles; stages and Avg are means of one exit in us, at 2400 MHz (assumed)",
  );
});

Deno.test("exitTableLines() shows accesses where an exit made several, and ? for what is unknown", () => {
  const ledger = sample();
  ledger.accessAgain(0xfebf0002, "out", 2, "kernel", site());
  const lines = exitTableLines(tabulateExits(ledger.reprice(loadProfile("pci-testdev"))), { width: 160 });
  assert(lines[0].includes("Accesses"));
  assert(/^Total .* {4}\? +\? /.test(lines[4]), lines[4]);
  assert(lines.at(-1)!.startsWith("?: after pricing again"));
});

Deno.test("exitTableLines() without exits says so", () => {
  const none = new Ledger(loadProfile("tsirkin-2013"));
  assertEquals(exitTableLines(tabulateExits(none)), ["no exits"]);
  assertEquals(exitTableLines(tabulateExits(sample(), { by: "msr" })), ["no exits of this kind among 4"]);
});

Deno.test("exitTableJson() is the table's data", () => {
  const data = tabulateExits(sample());
  assertEquals(JSON.parse(exitTableJson(data)), data);
});
