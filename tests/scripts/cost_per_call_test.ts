/** cost_per_call.ts: cells whose cycles are the sum of their stages, one exit where a payload is packed, reasons where none can be. */
import { assert, assertEquals } from "@std/assert";
import { runSweep } from "../../mod.ts";

const SWEEP = new URL("../../scripts/sweeps/cost_per_call.ts", import.meta.url);

Deno.test("cost_per_call.ts: the cells of one machine", async () => {
  const { cells, notes } = await runSweep(SWEEP, {
    set: {
      machine: ["x86", "ppc32"],
      hypervisor: ["kvm", "osi"],
      profile: ["tsirkin-2013", "default"],
      size: [8, 64],
    },
    jobs: 1,
  });
  assertEquals(cells.length, 48);
  for (const { values, outcome } of cells) {
    const where = JSON.stringify(values);
    const feasible = values.machine === "x86" ? values.hypervisor === "kvm" : values.hypervisor === "osi";
    const priced = values.machine === "x86" || values.profile === "default";
    assertEquals(outcome.kind, feasible && priced ? "ok" : "infeasible", where);
    if (outcome.kind !== "ok") continue;
    const { exits, worldSwitch, dispatch, decode, userspace, guest, cycles, carried } = outcome.result as
      & Record<string, number>
      & { carried: string };
    assertEquals(worldSwitch + dispatch + decode + userspace + guest, cycles, where);
    assertEquals(exits === 1, values.vehicle === "hypercall" || values.size === 64, where);
    // Only a load or store has to be decoded.
    assertEquals(decode > 0, carried.startsWith("mmio"), where);
  }
  assert(
    notes.some((note) => note.startsWith("source of tsirkin-2013: Michael S. Tsirkin")),
    notes.join("\n"),
  );
});
