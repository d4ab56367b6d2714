/** ring_vs_call.ts: every cell, stages that add up, kicks and interrupts as batches make them. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ScriptContext } from "../../mod.ts";
import type { VehicleName, Vm, VmOptions } from "../../mod.ts";
import ringVsCall, {
  measureCall,
  measureCallRing,
  type Measured,
  measureRings,
  type Section,
} from "../../scripts/ring_vs_call.ts";
import { quietly } from "../../scripts/support/each.ts";

async function printed(args: readonly string[] = [], json = false): Promise<string> {
  let text = "";
  const out = { write: (part: string) => void (text += part) };
  await ringVsCall({ args, json, out, each: quietly } as unknown as ScriptContext);
  return text;
}

Deno.test("ring_vs_call.ts: the matrix, whose cycles are the sum of its stages and fall with the batch", async () => {
  const { batches, sections } = JSON.parse(await printed([], true)) as {
    batches: number[];
    sections: Section[];
  };
  assertEquals(sections.map(({ machine }) => machine), ["x86 vmx", "x86 svm", "ppc32", "ppc64"]);
  for (const { machine, rows, notes } of sections) {
    assertEquals(rows.length, 3 * (1 + 2 + 6));
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
      if (row.way.startsWith("call ring")) {
        const [{ kicks, interrupts, exits }] = row.measured, told = Number(row.way.endsWith("irq"));
        assertEquals([row.measured.length, kicks, interrupts], [1, 1, told], where);
        // Its doorbell, and with an interrupt what ends that at least.
        assert(told ? exits >= 2 : exits === 1, where);
        continue;
      }
      assertEquals(row.measured.length, batches.length);
      const interrupts = row.way.includes("irq"), coalesced = row.way.endsWith("for 8");
      row.measured.forEach((one: Measured, i) => {
        const kicks = Math.max(1, Math.max(32, batches[i]) / batches[i]);
        assertEquals(one.kicks, kicks, `${where} ${batches[i]}`);
        if (coalesced) assert(one.interrupts <= Math.max(1, one.requests / 8), `${where} ${one.interrupts}`);
        else assertEquals(one.interrupts, interrupts ? kicks : 0, `${where} ${batches[i]}`);
        // Without interrupts a kick is all that leaves the guest; with them, each is ended at least.
        if (coalesced) assert(one.exits >= kicks + one.interrupts, where);
        else if (interrupts) assert(one.exits >= 2 * kicks, where);
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
    // One kick of one request costs the call that it stands for and the driver's instructions, and the kernel's match is
    // cheaper. So a ring that userspace serves in the doorbell's exit has to batch, and a call ring is never a gain.
    const cycles = (via: string, way: string) =>
      rows.find((row) => row.via === via && row.way === way)!.measured[0];
    for (const via of ["hypercall", "pio", "mmio"]) {
      const userspace = cycles(via, "ring, userspace, look"), kernel = cycles(via, "ring, kernel, look");
      const call = cycles(via, "call"), byRing = cycles(via, "call ring, look"), { requests } = userspace;
      const exits = ({ cycles, guestCycles }: Measured) => cycles - guestCycles;
      assertEquals([exits(userspace) / requests, exits(byRing)], [exits(call), exits(call)], via);
      assert(userspace.guestCycles / requests > call.guestCycles && byRing.cycles > call.cycles, via);
      const even = rows.find((row) => row.via === via && row.way === "ring, userspace, look")!.breakEven;
      assertEquals(even, 2, via);
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
  assertEquals(lines.length, 1 + 4 * 3 * (1 + 2 + 6 * 9));
  assertEquals(lines[0].split(",").slice(0, 5), ["machine", "via", "label", "way", "batch"]);
});

/** Overwrites what trapped on the way to the device with no-ops. */
function nothing(vm: Vm): void {
  // An interrupt's end traps too: the doorbell is what the device answered in, or what the kernel half matched.
  const [trap] = vm.exits.rows.filter(({ reason, key }) =>
    !["INTERRUPT", "INTERRUPT_WINDOW", "HLT"].includes(reason) && key !== 0x20 && key >>> 16 !== 0xfec0
  ).slice(-1);
  const [{ bytes }] = vm.disassemble(trap.pc, 1), nop = vm.arch === "x86" ? [0x90] : [0x60, 0, 0, 0];
  vm.memory.write(Number(trap.pc), Uint8Array.from(bytes, (_, i) => nop[i % nop.length]));
}

const CELLS: readonly (readonly [VmOptions, VehicleName])[] = [
  [{ arch: "x86", mode: 64, backend: "vmx" }, "hypercall"],
  [{ arch: "x86", mode: 64, backend: "vmx" }, "pio"],
  [{ arch: "x86", mode: 64, backend: "svm" }, "mmio"],
  [{ arch: "ppc", mode: 32, backend: "kvm-pr" }, "mmio"],
  [{ arch: "ppc", mode: 64, backend: "kvm-hv" }, "hypercall"],
  [{ arch: "ppc", mode: 64, backend: "kvm-hv" }, "pio"],
];

for (const [options, via] of CELLS) {
  Deno.test(`ring_vs_call.ts: rows of ${options.backend} ${via} whose trap does nothing fail`, async () => {
    const fails = (work: () => Promise<unknown>) => assertRejects(work, Error, "ran to its end");
    await fails(() => measureCall(options, via, nothing));
    for (const doorbell of ["userspace", "kernel"] as const) {
      await fails(() => measureRings(options, via, { poll: true, doorbell }, [4], nothing));
      await fails(() => measureCallRing(options, via, { poll: true, doorbell }, nothing));
    }
    if (options.mode === 32) return;
    await fails(() => measureRings(options, via, { poll: false }, [4], nothing));
    await fails(() => measureCallRing(options, via, { poll: false }, nothing));
  });
}
