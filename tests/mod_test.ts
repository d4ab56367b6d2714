/** What `trapsh` exports: what is there for users, and nothing by accident. */
import { assertEquals } from "@std/assert";
import * as trapsh from "../mod.ts";
import { ROOT } from "./support/module_graph.ts";

/** Names with a value; types leave nothing behind that could be looked at here. */
const VALUES = [
  "AssemblyError",
  "ExitMismatch",
  "HYPERVISORS",
  "KernelIoError",
  "OTHER_KEYS",
  "RING_BLOCK",
  "RingError",
  "SavedFields",
  "Uart16550",
  "VIRTIO_VBUS",
  "VirtioConsole",
  "VirtioMmio",
  "VirtioRefusal",
  "VirtioVbus",
  "VirtioVbusDriver",
  "aggregatesCsv",
  "assertExitRows",
  "assertExits",
  "breakEven",
  "checkProfile",
  "createByteChannels",
  "createIo",
  "createVm",
  "debugExitDevice",
  "defineSweep",
  "describeSnapshot",
  "diffExits",
  "eventStats",
  "exitTableLines",
  "exitsSvg",
  "exitsTrace",
  "exportText",
  "loadProfile",
  "mergeSweeps",
  "parseProfile",
  "perfStatLines",
  "profileNames",
  "reportHtml",
  "restoreVm",
  "rowsCsv",
  "runFacts",
  "runSweep",
  "saveVm",
  "serveGdb",
  "snapshot",
  "stageWeights",
  "standalone",
  "startMeter",
  "sweepCsv",
  "sweepJson",
  "sweepLines",
  "table",
  "tabulateExits",
  "tabulateTimeline",
  "timelineLines",
  "timelineSvg",
  "virtioBlock",
  "virtioQueueBytes",
  "virtioVbusBlock",
  "withFigures",
];

Deno.test("mod.ts exports these values and no others", () => {
  assertEquals(Object.keys(trapsh).sort(), VALUES);
});

Deno.test("mod.ts documents every export and leaks no type", async () => {
  assertEquals(await deno("doc", "--lint", "mod.ts"), "");
});

Deno.test("mod.ts's example runs", async () => {
  assertEquals(await deno("test", "--no-prompt", "--doc", "mod.ts"), "");
});

/** Runs Deno on the project; gives what it has to complain about. */
async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  })
    .output();
  return success ? "" : new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}
