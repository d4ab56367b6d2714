/** Exits asked what they would cost if a stage cost something else. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { breakEven, stageWeights, withFigures } from "../../../emulator/exits/what_if.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";

async function ran(source: string): Promise<Vm> {
  const vm = createVm({ arch: "x86", mode: 32 });
  vm.load(vm.assemble(source));
  await vm.run({ instructions: 10_000 });
  return vm;
}

const port = (count: number) => `mov ecx, ${count}\nagain: out 0x80, al\ndec ecx\njne again\nhlt`;
const mmio = (count: number) => `mov ecx, ${count}\nagain: mov [0xfeb00000], eax\ndec ecx\njne again\nhlt`;

Deno.test("stage weights and device cycles make up all cycles, the heaviest first", async () => {
  const { exits } = await ran(`in al, 0x60\ncpuid\n${port(7)}`);
  const weights = stageWeights(exits), { cycles } = exits.totals();
  assertEquals(weights.reduce((sum, one) => sum + one.cycles, cycles.device), cycles.total);
  const shares = weights.reduce((sum, one) => sum + one.share, cycles.device / cycles.total);
  assert(Math.abs(shares - 1) < 1e-9, `${shares}`);
  assertEquals(weights.map((one) => one.cycles), weights.map((one) => one.cycles).sort((a, b) => b - a));
  const switches = weights.find(({ reason, stage }) => reason === "IO" && stage === "worldSwitch")!;
  assertEquals(switches.times, 8);
});

Deno.test("a figure that is changed is charged so, and only there", async () => {
  const { exits, profile } = await ran(port(3));
  const before = exits.totals().cycles;
  const free = exits.reprice(withFigures(profile, [{ stage: "userspace", reason: "IO", cycles: 0 }]))
    .totals();
  assertEquals(free.cycles.userspace, 0);
  assertEquals(free.cycles.worldSwitch, before.worldSwitch);
  const all = exits.reprice(withFigures(profile, [{ stage: "worldSwitch", cycles: 10 }])).totals();
  assertEquals(all.cycles.worldSwitch, 10 * exits.count);
});

Deno.test("at the break-even both cost the same, and below it the one that is said", async () => {
  const [first, second] = [await ran(mmio(5)), await ran(port(5))];
  const at = { stage: "decode", reason: "MMIO" } as const;
  // What is left beside the decode is dearer by MMIO: no price above 0 makes them equal.
  const never = breakEven(first.exits, second.exits, at);
  assert(never.cycles !== undefined && never.cycles < 0);
  const other = breakEven(first.exits, second.exits, { stage: "userspace", reason: "MMIO" });
  assert(other.cycles !== undefined && other.cycles > 0 && other.below === "first");
  const cost = (cycles: number) =>
    first.exits.reprice(withFigures(first.profile, [{ stage: "userspace", reason: "MMIO", cycles }])).totals()
      .cycles
      .total;
  const fixed = second.exits.totals().cycles.total;
  assert(cost(Math.floor(other.cycles)) <= fixed && cost(Math.ceil(other.cycles)) >= fixed);
  assertEquals(breakEven(first.exits, second.exits, { stage: "worldSwitch" }), {
    cycles: undefined,
    cheaper: "second",
  });
});

Deno.test("a guest that read its clock is refused, and so are figures that are none", async () => {
  const { exits } = await ran(`rdtsc\n${port(1)}`);
  assertThrows(() => stageWeights(exits), Error, "clock");
  const { profile } = createVm({ arch: "x86" });
  assertThrows(() => withFigures(profile, [{ stage: "decode", cycles: -1 }]), RangeError, "cannot cost -1");
  assertThrows(
    () => withFigures(profile, [{ stage: "decod" as "decode", cycles: 1 }]),
    RangeError,
    "no stage decod",
  );
});
