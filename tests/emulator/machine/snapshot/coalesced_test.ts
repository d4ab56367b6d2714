/** Gathered writes in a snapshot: zones, what waits in their ring, and the same ledger at any boundary. */
import { assertEquals } from "@std/assert";
import { snapshot } from "../../../../emulator/exits/snapshot.ts";
import type { Device } from "../../../../emulator/machine/device.ts";
import { restoreVm, saveVm } from "../../../../emulator/machine/snapshot/snapshot.ts";
import type { Vm } from "../../../../emulator/machine/vm.ts";
import { guest } from "../guests.ts";
import { moved, runCut } from "./going_on.ts";

const GPA = 0xfeb0_0000;
/** Four gathered writes, then one outside of the zone, until ecx is 0. */
const SOURCE = `mov ebx, ${GPA}
 mov ecx, 60
again: mov [rbx + 4], ecx
 dec ecx
 test ecx, 3
 jnz again
 mov [rbx + 8], ecx
 test ecx, ecx
 jnz again
 hlt`;

function machine(device: Device): Vm {
  const vm = guest(SOURCE);
  vm.devices.add(device, { gpa: GPA });
  vm.coalesced.add({ bus: "mmio", address: GPA + 4, size: 4 });
  return vm;
}

Deno.test("zones and what they gathered go on after a restore at any boundary", async () => {
  const run = async (between: (vm: Vm) => Vm, piece: number) => {
    const seen: number[] = [];
    const write = (offset: number, _size: number, value: number | bigint) =>
      void seen.push(offset, Number(value));
    const { vm, stop } = await runCut(
      machine({ name: "log", size: 16, write, stateless: true }),
      1000,
      () => piece,
      between,
    );
    const { list, gathered, drains, waiting } = vm.coalesced;
    return { seen, stop: stop.reason, exits: snapshot(vm.exits), list, gathered, drains, waiting };
  };
  const straight = await run((vm) => vm, 13);
  assertEquals([straight.stop, straight.seen.length, straight.gathered], ["HLT", 150, 60]);
  assertEquals(await run((vm) => moved(vm), 13), straight);
});

Deno.test("writes that wait behind one that failed are in the snapshot", async () => {
  const seen: number[] = [];
  let fails = true;
  const device: Device = {
    name: "log",
    size: 16,
    stateless: true,
    write(_offset, _size, value) {
      if (fails) throw new Error("not yet");
      seen.push(Number(value));
    },
  };
  const vm = machine(device);
  assertEquals((await vm.run()).reason, "DEVICE_ERROR");
  assertEquals(vm.coalesced.waiting, 3);
  const there = restoreVm(saveVm(vm), { devices: [device] });
  assertEquals([there.coalesced.waiting, there.coalesced.list], [3, vm.coalesced.list]);
  fails = false;
  assertEquals((await there.run()).reason, "HLT");
  // The first was taken, and its device threw.
  assertEquals(seen.slice(0, 4), [59, 58, 57, 56]);
  assertEquals(seen.length, 74);
});
