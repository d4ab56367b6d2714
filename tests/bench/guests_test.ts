/** The benchmark's programs are tests too: whole guests, interpreted and in regions. */
import { assertEquals, assertThrows } from "@std/assert";
import { checkOutcome } from "./guests/guest.ts";
import { measureExits } from "./exits.ts";
import { MACHINES, makeVm, Prepared } from "./machines.ts";
import { noise, ratioOf, sampleOf } from "./statistics.ts";

for (const machine of MACHINES) {
  for (const workload of machine.workloads) {
    Deno.test(`${machine.isa} ${workload.name}: right, and the same in a region as interpreted`, async () => {
      const counts = [];
      for (const engine of ["interpreter", "region"] as const) {
        const prepared = new Prepared(makeVm(machine, engine, "first"), workload);
        const { vm } = prepared;
        workload.prepare?.(vm);
        const before = { instructions: vm.vcpu.instructions, cycles: vm.vcpu.cycles };
        await prepared.pass();
        checkOutcome(vm, workload.outcome);
        assertEquals(vm.exits.totals().count, 0);
        const { instructions, cycles } = vm.vcpu;
        counts.push([instructions - before.instructions, cycles - before.cycles]);
      }
      assertEquals(counts[1], counts[0]);
    });
  }

  // It asserts what devices have seen and what the ledger holds.
  Deno.test(`${machine.isa} exit loops: every exit reaches its device and the ledger once`, async () => {
    const rows = await measureExits(machine, 1);
    assertEquals(rows.length, machine.isa.startsWith("x86") ? 5 : 3);
  });
}

Deno.test("sampleOf() gives the median and the range", () => {
  assertEquals(sampleOf([3, 1, 2]), { median: 2, min: 1, max: 3, runs: 3, values: [3, 1, 2] });
  assertEquals(sampleOf([4, 1, 2, 3]).median, 2.5);
  assertEquals(noise(sampleOf([8, 10, 12])), 40);
  assertEquals(ratioOf(sampleOf([2, 8, 9]), sampleOf([1, 4, 3])).values, [2, 2, 3]);
  assertThrows(() => sampleOf([]), RangeError);
});
