import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createVm } from "../../../emulator/machine/vm.ts";
import { Ledger } from "../../../emulator/exits/ledger.ts";
import { loadProfile } from "../../../emulator/exits/profiles/profiles.ts";
import { exitsTrace } from "../../../shell/reports/trace_json.ts";
import { IO, MISCONFIG, site } from "../../emulator/exits/fixtures.ts";
import { sampleRun } from "./run.ts";

interface Slice {
  readonly ph: "X";
  readonly tid: number;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: { readonly cycles: { readonly total: number }; readonly seq: number };
}

function slicesOf(text: string): Slice[] {
  const { traceEvents } = JSON.parse(text) as { traceEvents: { ph: string }[] };
  return traceEvents.filter(({ ph }) => ph === "X") as Slice[];
}

/** Nanoseconds as Perfetto's importer has them: times 1000, cut off. */
const nanoseconds = (microseconds: number) => Math.trunc(microseconds * 1000);

/** Asserts that within each track slices nest, as the importer needs it. Returns how deep they do. */
function depthOf(slices: readonly Slice[]): number {
  let deepest = 0;
  for (const [, track] of Map.groupBy(slices, ({ tid }) => tid)) {
    const open: number[] = [];
    let last = 0;
    for (const { ts, dur } of track) {
      const start = nanoseconds(ts), end = start + nanoseconds(dur);
      assert(start >= last, "slices are in order of time");
      last = start;
      while (open.length > 0 && open.at(-1)! <= start) open.pop();
      assert(open.every((outer) => end <= outer), "a slice ends within the one around it");
      open.push(end);
      deepest = Math.max(deepest, open.length);
    }
  }
  return deepest;
}

Deno.test("exitsTrace() has a track for each vCPU, exits as slices and stages within them", async () => {
  const vm = await sampleRun({ vcpus: 2 });
  const text = exitsTrace(vm), slices = slicesOf(text);
  const outer = slices.filter(({ args }) => args !== undefined);
  assertEquals(outer.length, vm.exits.count);
  assertEquals(outer.reduce((sum, { args }) => sum + args!.cycles.total, 0), vm.exits.cycles);
  assertEquals(new Set(slices.map(({ tid }) => tid)), new Set([0, 1]));
  assertEquals(depthOf(slices), 2);
  const { otherData, displayTimeUnit, traceEvents } = JSON.parse(text);
  assertEquals([displayTimeUnit, otherData.profile.name, otherData.figures[0].provenance], [
    "ns",
    "x86-default",
    "calibrated",
  ]);
  const names = traceEvents.filter(({ name }: { name: string }) => name === "thread_name");
  assertEquals(names.map(({ args }: { args: { name: string } }) => args.name), ["vCPU 0", "vCPU 1"]);
  assertEquals(text, exitsTrace(await sampleRun({ vcpus: 2 })));
});

Deno.test("exitsTrace() nests whatever the clock's frequency rounds to", () => {
  const vm = createVm({ arch: "x86" }), base = loadProfile("x86-default").data;
  const exit = fc.record({ gap: fc.nat(5000), device: fc.nat(999), mmio: fc.boolean() });
  const hz = fc.integer({ min: 1_000_000, max: 5_000_000_000 });
  fc.assert(
    fc.property(fc.array(exit, { minLength: 1, maxLength: 40 }), hz, fc.nat(2 ** 40), (exits, hz, start) => {
      const profile = loadProfile("x86-default");
      const data = { ...base, tscHz: { hz, provenance: "assumed" as const } };
      Object.defineProperty(profile, "data", { value: data });
      const ledger = new Ledger(profile, { record: true });
      let clock = start;
      for (const { gap, device, mmio } of exits) {
        clock += gap;
        ledger.charge(mmio ? MISCONFIG : IO, 1, "out", 1, "userspace", site({ cycles: clock }));
        ledger.chargeDevice(device);
        clock += ledger.lastRow!.cycles.total;
      }
      depthOf(slicesOf(exitsTrace(vm, ledger)));
    }),
  );
});

Deno.test("exitsTrace() refuses exits without rows", () => {
  const vm = createVm({ arch: "x86" });
  vm.exits.charge(vm.backend.reasons[0], 1, "out", 1, "kernel", site());
  assertThrows(() => exitsTrace(vm), RangeError, "none of the 1 exits has a row");
});
