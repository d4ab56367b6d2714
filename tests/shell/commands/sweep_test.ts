import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { parseOver } from "../../../shell/commands/sweep.ts";
import { UserError } from "../../../shell/errors.ts";
import type { SweepRun } from "../../../shell/sweeps/run_sweep.ts";
import { inFolder, TOY } from "../sweeps/folder.ts";
import { startSession } from "./session.ts";

const OVER: readonly (readonly [text: string, parameters: Record<string, unknown>])[] = [
  ["vehicle", { vehicle: ["hypercall", "pio", "mmio"] }],
  ["arch,vehicle=pio,mmio,size=1..4*2", { arch: ["x86", "ppc"], vehicle: ["pio", "mmio"], size: [1, 2, 4] }],
  ["size=8,64,backend", { size: [8, 64], backend: ["vmx", "svm", "kvm-hv", "kvm-pr"] }],
];

for (const [text, parameters] of OVER) {
  Deno.test(`parseOver("${text}")`, async () => assertEquals<unknown>(await parseOver(text), parameters));
}

const WRONG: readonly (readonly [text: string, message: string])[] = [
  ["vehicel", 'cannot go over "vehicel": did you mean "vehicle"?'],
  ["color=red", 'cannot go over "color"; there are arch, mode'],
  ["vehicle,red", 'cannot go over "red"'],
  ["size=-1", "The size -1 is not between"],
  ["size=big", "The size big is not between"],
  ["size=1,1", "has the value 1 twice"],
];

for (const [text, message] of WRONG) {
  Deno.test(`parseOver("${text}") throws`, async () =>
    void await assertRejects(() => parseOver(text), UserError, message));
}

Deno.test("sweep call: figures are those of compare; a device comes from its file; profiles go along", () =>
  inFolder(async (folder) => {
    const { session, type } = startSession();
    const file = join(folder, "slow.ts");
    await Deno.writeTextFile(
      file,
      "export default { name: 'slow', call(fn, data, context) { context.charge(7 * fn * data.length); return 0; } };",
    );
    await type(`device add ${file}`);
    const rows = await session.invoke("compare slow 2 1:4") as {
      cost: { cycles: unknown; guestCycles: number };
    }[];
    const run = await session.invoke("sweep call slow 2 1:4 --over backend,vehicle --jobs 1") as SweepRun;
    const swept = run.cells.map(({ outcome }) => outcome.kind === "ok" ? outcome.result : {});
    assertEquals(
      swept.map(({ cycles, device, decode, guest }) => [cycles, device, decode, guest]).slice(0, 6),
      rows.slice(0, 6).map(({ cost }) => {
        const { total, device, decode } = cost.cycles as Record<string, number>;
        return [total, device, decode, cost.guestCycles];
      }),
    );
    assertEquals(swept[0].device, 56);
    assertStringIncludes(run.notes.join("\n"), "cycles by profile x86-default");
    await type("profile tsirkin-2013");
    const priced = await session.invoke("sweep call slow --over arch,vehicle=mmio --jobs 1") as SweepRun;
    assertEquals(
      priced.cells.map(({ outcome }) => outcome.kind === "ok" && outcome.result.priced),
      ["tsirkin-2013", "ppc64-hv-assumed"],
    );
    session.close();
  }));

Deno.test("sweep call: an infeasible combination says why, and wrong words are told", async () => {
  const { session, type } = startSession();
  const text = await type("sweep call echo --over hypervisor=xen,papr,vehicle=pio --jobs 1");
  assertStringIncludes(text, "infeasible, 1 cell (hypervisor=papr): vmx carries no papr");
  assertStringIncludes(text, "2 cells: 1 ok, 1 infeasible");
  assertStringIncludes(await type("sweep call ehco --over vehicle"), 'did you mean "echo"?');
  assertStringIncludes(await type("sweep call echo 1 2 --over size"), "so there are no ARGs");
  assertStringIncludes(await type("sweep call echo"), "--over");
  await type("session.addDevice({ device: { name: 'mine', call: () => 0 } }); 0");
  assertStringIncludes(
    await type("sweep call mine --over vehicle"),
    "was made here, and workers cannot have it",
  );
  session.close();
});

Deno.test("sweep and merge: from the prompt", () =>
  inFolder(async (folder) => {
    const { session, type } = startSession();
    const out = join(folder, "t.csv"), few = `${TOY} --set step=1,2 --set size=1 --jobs 1`;
    assertStringIncludes(await type(`sweep ${few}`), "a toy\nsize=1\n\nshape   step  area        seed");
    for (const shard of ["1/2", "2/2"]) {
      assertStringIncludes(
        await type(`sweep ${few} --out ${out} --shard ${shard}`),
        `shard ${shard} is done and kept in`,
      );
    }
    assertStringIncludes(await type(`sweep ${few} --out ${out} --shard 1/2`), "--resume goes on with them");
    assertEquals(await type(`merge ${out}`), `2 journals merged\n4 cells: 4 ok\ntable in ${out}\n`);
    assertStringIncludes(
      await type(`merge ${out} ${out}.1-of-2.journal`),
      "2 of 4 cells are missing:\n  shards given: 1/2\n",
    );
    session.close();
  }));

Deno.test("sweep call: a few cells of trapsh's own device are the same here as in workers", async () => {
  const { session, type } = startSession();
  try {
    const line = "sweep call echo --over hypervisor,vehicle,size=1,64",
      few = `${line.replace("hypervisor,", "")}`;
    assertEquals(await type(few), await type(`${few} --jobs 2`));
    assertEquals(await type(line), await type(`${line} --jobs 2`));
    assertEquals(
      await session.invoke(`${few} --json`),
      await session.invoke(`${few} --jobs 1 --json`),
    );
  } finally {
    session.close();
  }
});
