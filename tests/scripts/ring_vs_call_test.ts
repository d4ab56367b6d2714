/** ring_vs_call.ts: every cell, stages that add up, kicks and interrupts as batches make them. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ScriptContext } from "../../mod.ts";
import ringVsCall, { type Measured, type Section } from "../../scripts/ring_vs_call.ts";

async function printed(args: readonly string[] = [], json = false): Promise<string> {
  let text = "";
  const out = { write: (part: string) => void (text += part) };
  await ringVsCall({ args, json, out } as unknown as ScriptContext);
  return text;
}

Deno.test("ring_vs_call.ts: the matrix, whose cycles are the sum of its stages and fall with the batch", async () => {
  const { batches, sections } = JSON.parse(await printed([], true)) as {
    batches: number[];
    sections: Section[];
  };
  assertEquals(sections.map(({ machine }) => machine), ["x86 vmx", "x86 svm", "ppc32", "ppc64"]);
  for (const { machine, rows, notes } of sections) {
    assertEquals(rows.length, 3 * (1 + 5));
    assertStringIncludes(notes.join("\n"), "source: ");
    for (const row of rows) {
      const where = `${machine} ${row.via} ${row.way}`;
      for (const one of row.measured) {
        const stages = one.worldSwitch + one.dispatch + one.decode + one.userspace + one.device;
        assertEquals(one.cycles, stages + one.guestCycles, where);
        if (row.way === "call") assertEquals(one.decode > 0, row.label.startsWith("mmio"), where);
      }
      if (row.way === "call") {
        assertEquals([row.measured.length, row.measured[0].exits, row.measured[0].kicks], [1, 1, 0], where);
        continue;
      }
      assertEquals(row.measured.length, batches.length);
      const interrupts = row.way.endsWith("irq");
      row.measured.forEach((one: Measured, i) => {
        const kicks = Math.max(1, Math.max(32, batches[i]) / batches[i]);
        assertEquals([one.kicks, one.interrupts], [kicks, interrupts ? kicks : 0], `${where} ${batches[i]}`);
        // Without interrupts a kick is all that leaves the guest; with them, each is ended at least.
        if (interrupts) assert(one.exits >= 2 * kicks, where);
        else assertEquals(one.exits, kicks, where);
        if (i > 0) {
          const before = row.measured[i - 1];
          assert(one.cycles / one.requests < before.cycles / before.requests, `${where} ${batches[i]}`);
        }
      });
      assert(
        row.breakEven !== undefined && row.beatsAll !== undefined && row.breakEven <= row.beatsAll,
        where,
      );
    }
    // One kick of one request is no dearer than the call that it stands for, and the kernel's match is cheaper.
    const cycles = (via: string, way: string) =>
      rows.find((row) => row.via === via && row.way === way)!.measured[0];
    for (const via of ["hypercall", "pio", "mmio"]) {
      const userspace = cycles(via, "ring, userspace, look"), kernel = cycles(via, "ring, kernel, look");
      assert(userspace.cycles / userspace.requests <= cycles(via, "call").cycles);
      assertEquals([userspace.userspace > 0, kernel.userspace], [true, 0]);
      const fast = cycles(via, "ring, fast, look");
      // Only KVM's MMIO has a faster way, and PR does not have it.
      const label = rows.find((row) => row.via === via)!.label;
      assertEquals(
        fast.decode < kernel.decode,
        label.startsWith("mmio") && machine !== "ppc32",
        `${machine} ${via}`,
      );
    }
  }
});

Deno.test("ring_vs_call.ts --csv has a head and a line for each cell", async () => {
  const lines = (await printed(["--csv"])).trimEnd().split("\n");
  assertEquals(lines.length, 1 + 4 * 3 * (1 + 5 * 9));
  assertEquals(lines[0].split(",").slice(0, 5), ["machine", "via", "label", "way", "batch"]);
});
