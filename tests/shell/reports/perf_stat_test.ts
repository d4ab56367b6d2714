import { assertEquals } from "@std/assert";
import { eventStats } from "../../../emulator/exits/event_stats.ts";
import { perfStatLines } from "../../../shell/reports/perf_stat.ts";
import { sampleRun } from "./run.ts";

Deno.test("perfStatLines() has perf's columns at perf's places", async () => {
  const vm = await sampleRun();
  const lines = perfStatLines(eventStats(vm.exits, "vmexit"));
  // By hand: four exits each with 0, 100 and 200 cycles of the device's: 5387 +- 85.28 / sqrt(12), which is 0.46%.
  // "%20s %10s %9s %9s %11s %11s %16s" for the head, as tools/perf/builtin-kvm.c prints it.
  assertEquals(lines.slice(0, 9), [
    "Analyze events for all VMs, all VCPUs:",
    "",
    "             VM-EXIT    Samples  Samples%     Time%    Min Time    Max Time         Avg time",
    "",
    "      IO_INSTRUCTION         12    75.00%    69.81%      2.20us      2.29us      2.24us ( +-   0.46% )",
    "       EPT_MISCONFIG          2    12.50%    19.00%      3.67us      3.67us      3.67us ( +-   0.00% )",
    "       EPT_VIOLATION          1     6.25%     9.50%      3.67us      3.67us      3.67us ( +-   0.00% )",
    ...lines.slice(7, 9),
  ]);
  assertEquals(lines.filter((line) => line.startsWith("Total Samples:")).length, 1);
  assertEquals(lines.some((line) => line === "times: cycles at 2400 MHz (assumed)"), true);
});

Deno.test("perfStatLines() names the event and the vCPU", async () => {
  const vm = await sampleRun({ vcpus: 2 });
  const lines = perfStatLines(eventStats(vm.exits, "ioport", { vcpu: 1 }));
  assertEquals(lines[0], "Analyze events for all VMs, VCPU 1:");
  assertEquals(lines[2].slice(0, 31), "      IO Port Access    Samples");
  assertEquals(lines[4].slice(0, 31), "         0x1060:POUT         12");
});
