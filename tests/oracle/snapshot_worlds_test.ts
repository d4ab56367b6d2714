/**
 * Random worlds (`endurance.ts`) that are saved and restored again and again, at random points and onto another engine:
 * they leave the same state, to the byte of a last snapshot, as if they had never stopped. `TRAPSH_CASES` (worlds a mode)
 * makes it longer.
 */
import { assert, assertEquals } from "@std/assert";
import { snapshot } from "../../emulator/exits/snapshot.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import { restoreVm, saveVm } from "../../emulator/machine/snapshot/snapshot.ts";
import { chanceDevice, type EnduranceMode, runWorld } from "./endurance.ts";
import { ENDURANCE_MODES } from "./endurance_modes.ts";
import { Random } from "../support/random.ts";

const WORLDS = Number(Deno.env.get("TRAPSH_CASES") ?? 0) || 1, LENGTH = 8000;

async function saved(mode: EnduranceMode, world: number, engine?: "oracle"): Promise<number> {
  const cuts = new Random(world);
  let count = 0;
  const straight = await runWorld(mode, world, LENGTH);
  const cut = await runWorld(mode, world, LENGTH, (vm) => {
    if (cuts.below(3) > 0) return vm;
    count++;
    const bytes = saveVm(vm);
    assert(equal(saveVm(vm), bytes), `${mode.name}, world ${world}: saved twice`);
    const other = restoreVm(bytes, {
      devices: [chanceDevice(0)],
      engine: engine && cuts.below(2) === 0 ? engine : undefined,
    });
    assert(equal(saveVm(other), bytes), `${mode.name}, world ${world}: saved, restored and saved`);
    return other;
  });
  assertEquals([cut.instructions, cut.cycles, cut.exits, cut.stops], [
    straight.instructions,
    straight.cycles,
    straight.exits,
    straight.stops,
  ], `${mode.name}, world ${world}`);
  const registers = (vm: Vm) => vm.vcpu.registers.list().map(({ name, value }) => `${name} ${value}`);
  assertEquals(registers(cut.vm), registers(straight.vm), `${mode.name}, world ${world}`);
  assertEquals(snapshot(cut.vm.exits), snapshot(straight.vm.exits), `${mode.name}, world ${world}`);
  for (const { gpa, size } of straight.vm.memory.slots) {
    assert(
      equal(cut.vm.memory.read(gpa, size), straight.vm.memory.read(gpa, size)),
      `${mode.name}, world ${world}`,
    );
  }
  // How far a timer's unit has looked is no matter of the guest's, and one of how long an engine runs at a stretch.
  const same = engine !== undefined || equal(saveVm(cut.vm), saveVm(straight.vm));
  assert(same, `${mode.name}, world ${world}: another state`);
  return count;
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

for (const mode of ENDURANCE_MODES) {
  Deno.test(`${mode.name}: random worlds go on from snapshots as if nothing had been`, async () => {
    let count = 0;
    for (let world = 0; world < 2 * WORLDS || count === 0; world++) {
      count += await saved(mode, world + 100, world % 2 === 0 ? undefined : "oracle");
    }
    assert(count > 0);
  });
}
