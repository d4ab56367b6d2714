import { assert, assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import { EXPORT_ENDINGS, exportText } from "../../../shell/reports/export.ts";
import { runFacts } from "../../../shell/reports/run_facts.ts";
import { sampleRun } from "./run.ts";

Deno.test("exportText() gives equal runs equal files, of every format", async () => {
  const [one, other] = [await sampleRun(), await sampleRun()];
  for (const ending of EXPORT_ENDINGS) {
    const text = exportText(one, `run${ending}`);
    assertEquals(text, exportText(other, `RUN${ending.toUpperCase()}`), ending);
    assertStringIncludes(text, "x86-default", ending);
    assertStringIncludes(text, "calibrated", ending);
  }
  assertThrows(() => exportText(one, "run.png"), RangeError, "run.png ends in none of");
});

Deno.test("exportText() of a machine that made no exit is a file all the same", () => {
  const vm = createVm({ arch: "ppc" });
  for (const ending of EXPORT_ENDINGS) assert(exportText(vm, ending).length > 0);
});

Deno.test("exportText(): JSON has run, figures, sums and rows, and a line for each of them", async () => {
  const vm = await sampleRun(), text = exportText(vm, "run.json");
  const { run, totals, rows, figures, clock } = JSON.parse(text);
  assertEquals([totals.count, rows.length, clock.provenance], [16, 16, "assumed"]);
  assertEquals(run.hash, runFacts(vm).hash);
  assertEquals(text.split("\n").filter((line) => line.includes('"seq":')).length, 16);
  assert(
    figures.every(({ provenance, source }: { provenance: string; source: string }) => provenance && source),
  );
});

Deno.test("runFacts(): the hash is the run's, whatever executed it, and another run's is another", async () => {
  const { hash } = runFacts(await sampleRun());
  assertEquals(hash, runFacts(await sampleRun()).hash);
  assertEquals(/^[0-9a-f]{64}$/.test(hash), true);
  const again = await sampleRun();
  again.devices.add({ name: "more", read: () => 0 });
  assertNotEquals(runFacts(again).hash, hash);
  assertNotEquals(runFacts(await sampleRun({ vcpus: 2 })).hash, hash);
  const vm = await sampleRun();
  const priced = vm.exits.reprice(loadProfile("pci-testdev"));
  const facts = runFacts(vm, priced);
  assertNotEquals(facts.hash, hash);
  assertEquals([facts.profile.name, facts.chargedUnder], ["pci-testdev", "x86-default"]);
});

Deno.test("runFacts(): both engines give one hash", () => {
  const hashes = (["interpreter", "oracle"] as const).map(async (engine) => {
    const vm = createVm({ arch: "x86", recordRows: true, engine });
    vm.load(vm.assemble("mov al, 3\n out 0x80, al\n hlt"));
    await vm.run({ instructions: 100 });
    return runFacts(vm).hash;
  });
  return Promise.all(hashes).then(([one, other]) => assertEquals(one, other));
});
