/** The guests of the growth tables at their smallest, and the arithmetic of their goals. */
import { assertEquals } from "@std/assert";
import { createVm } from "../../mod.ts";
import { AT } from "./guests/guest.ts";
import { CODE, footprint } from "./growth/code.ts";
import { EXITS } from "./growth/endless.ts";
import type { GrowthRow } from "./growth/measure.ts";
import { growthReached, sizeText } from "./growth/report.ts";
import { RAM, VCPUS } from "./growth/sizes.ts";
import { sampleOf } from "./statistics.ts";

Deno.test("footprint() comes to its result in as many instructions as it says, interpreted and in regions", async () => {
  for (const regions of ["off", "first"] as const) {
    const vm = createVm({ arch: "x86", mode: 32, memory: 2 ** 20, regions });
    const program = footprint(vm, 3000);
    vm.memory.write(AT.code, program.bytes);
    vm.vcpu.pc = AT.code;
    let done = 0;
    for (const { instructions, eax, ebx, ecx } of program.checkpoints) {
      await vm.run({ instructions: instructions - done });
      done = instructions;
      const found = ["eax", "ebx", "ecx"].map((name) => Number(vm.vcpu.registers.get(name)));
      assertEquals(found, [eax, ebx, ecx]);
    }
    assertEquals(program.checkpoints.length, 8);
    assertEquals(vm.vcpu.pc, AT.code);
  }
});

Deno.test("the axes' guests run at their smallest, and assert what they did", async () => {
  await (await EXITS.prepare(1000)).time();
  await (await CODE.prepare(1024)).time();
});

Deno.test("a machine of a size tells its time and its memory", async () => {
  for (const axis of [RAM, VCPUS]) {
    const { nanoseconds, resident = 0 } = await (await axis.prepare(axis.sizes[1])).time();
    assertEquals(nanoseconds > 0, true);
    assertEquals(resident > 2 ** 20, true);
  }
});

const row = (axis: GrowthRow["axis"], unit: GrowthRow["unit"], size: number, ns: number): GrowthRow => ({
  axis,
  per: "instruction",
  unit,
  size,
  nanoseconds: sampleOf([ns, ns, ns]),
});

Deno.test("growthReached() takes the greatest pair of sizes that are as far apart as a goal says", () => {
  const rows = [
    row("code", "B", 2 ** 10, 1),
    row("code", "B", 2 ** 14, 1.2),
    row("code", "B", 2 ** 20, 1.4),
    row("code", "B", 2 ** 24, 2.4),
  ];
  assertEquals(growthReached(rows), [
    { axis: "code", from: "16 KiB", to: "16 MiB", dearer: 2, atMost: 1.5, met: false },
  ]);
  assertEquals(growthReached(rows.slice(0, 3)), [
    { axis: "code", from: "1 KiB", to: "1 MiB", dearer: 1.4, atMost: 1.5, met: true },
  ]);
  assertEquals(growthReached(rows.slice(0, 2)), []);
});

Deno.test("sizeText() knows counts and bytes", () => {
  assertEquals(
    [sizeText(16, ""), sizeText(1e6, ""), sizeText(2 ** 12, "B"), sizeText(2 ** 30, "B")],
    ["16", "10^6", "4 KiB", "1 GiB"],
  );
});
