import { assert, assertEquals, assertNotEquals } from "@std/assert";
import vmexit, { measureProfile, type VmexitTable } from "../../scripts/vmexit.ts";
import type { ScriptContext } from "../../mod.ts";

const PROFILES = ["x86-default", "tsirkin-2013", "pci-testdev", "kvm-unit-tests-2012", "ioeventfd-2009"];

/** Each takes half a second, so once for all tests. */
const tables = new Map<string, Promise<VmexitTable>>();
function tableOf(name: string): Promise<VmexitTable> {
  const table = tables.get(name) ?? measureProfile(name);
  tables.set(name, table);
  return table;
}

/** What the script prints, and nothing of a session: it uses none. */
async function printed(args: readonly string[], json = false): Promise<string> {
  let text = "";
  const each = (_what: string, names: readonly string[]) => names;
  const context = { args, json, each, out: { write: (more: string) => void (text += more) } };
  await vmexit(context as unknown as ScriptContext);
  return text;
}

for (const name of PROFILES) {
  Deno.test(`measureProfile() gives the figures that ${name} was calibrated to`, async () => {
    const { rows } = await tableOf(name);
    const calibrated = rows.filter((row) => row.usedFor === "calibration");
    assertNotEquals(calibrated.length, 0);
    assertEquals(
      calibrated.map(({ row, net, error }) => ({ row, net, error })),
      calibrated.map(({ row, published }) => ({ row, net: published, error: 0 })),
    );
  });

  Deno.test(`measureProfile() holds a row of ${name} out and tells its error`, async () => {
    const { rows } = await tableOf(name);
    const predicted = rows.filter((row) => row.usedFor === "prediction");
    assertNotEquals(predicted.length, 0);
    for (const row of predicted) {
      assertEquals(row.error, row.net - row.published);
      // Here none of the predictions is right by chance: an error of 0 would be a row that was not held out.
      assertNotEquals(row.error, 0);
    }
  });
}

Deno.test("vmexit.ts prints the same bytes each time, with empty loops, errors and provenance", async () => {
  const text = await printed([]);
  assertEquals(await printed([]), text);
  for (const name of PROFILES) {
    assertEquals(text.includes(`profile ${name}: `), true);
    for (const { row, usedFor } of (await tableOf(name)).rows) {
      // Each row that is held out says what its error comes from.
      if (usedFor === "prediction") assert(text.includes(`\n  ${row} (`), `${name}: ${row}`);
    }
  }
  for (
    const pattern of [
      /^empty loop: 2 cycles \(\d+ iterations\)$/m,
      /^store to RAM: 3 cycles/m,
      /^paravirtual-MMIO hypercall .* 1803 +1817 +-14 +-0\.8% +prediction$/m,
      /^qemu-pio .* 6810 +6530 +\+280 +\+4\.3% +prediction$/m,
      /^ioeventfd-hc .* 2481 +2370 +\+111 +\+4\.7% +prediction$/m,
      /^movw to MMIO .* 3609 +4341 +-732 +-16\.9% +prediction$/m,
      /^inl_from_pmtimer .* -4041 +-16\.4% +prediction$/m,
      /^ {2}paravirtual-MMIO hypercall: .*dispatch of MMIO assumed$/m,
    ]
  ) {
    assertEquals(pattern.test(text), true, `no line like ${pattern}`);
  }
});

Deno.test("vmexit.ts --json gives the tables as data", async () => {
  const tables = JSON.parse(await printed(["tsirkin-2013"], true));
  assertEquals(tables, [JSON.parse(JSON.stringify(await tableOf("tsirkin-2013")))]);
});
