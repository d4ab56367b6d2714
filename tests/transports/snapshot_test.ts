/** Calls on a machine that was saved and restored: what stands half done is gone on with, exits and all. */
import { assert, assertEquals } from "@std/assert";
import { snapshot } from "../../emulator/exits/snapshot.ts";
import { echoDevice } from "../../emulator/machine/devices/echo.ts";
import { type RestoreOptions, restoreVm, saveVm } from "../../emulator/machine/snapshot/snapshot.ts";
import type { Vm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { createIo, type Handle, type VehicleName } from "../../transports/io.ts";
import { CELLS, machine, pattern, VIAS } from "./cells.ts";

async function calls(handle: Handle): Promise<void> {
  for (const length of [0, 5, 30, 300]) {
    assertEquals(await handle.call(1, pattern(length)), pattern(length));
  }
  await handle.write(8, 4, 0x1234);
  assertEquals(await handle.read(8, 4), 0x1234n);
}

async function restored(
  vm: Vm,
  via: VehicleName,
  move?: RestoreOptions,
): Promise<{ vm: Vm; handle: Handle }> {
  const bytes = saveVm(vm), other = restoreVm(bytes, { devices: [echoDevice()], ...move });
  assertEquals(other.parts.waiting, ["transports"]);
  const io = createIo(other);
  assertEquals(other.parts.waiting, []);
  if (move === undefined) assertEquals(saveVm(other), bytes);
  return { vm: other, handle: await io.open("echo", { via }) };
}

for (const cell of CELLS) {
  for (const via of VIAS) {
    Deno.test(`calls on ${cell.name} via ${via} go on after a restore with the same ledger`, async () => {
      const { vm, io } = machine(cell, echoDevice());
      const handle = await io.open("echo", { via });
      await calls(handle);
      const other = await restored(vm, via);
      await calls(handle);
      await calls(other.handle);
      assertEquals(snapshot(other.vm.exits), snapshot(vm.exits));
      assertEquals(saveVm(other.vm), saveVm(vm));
    });
  }
}

for (const cell of CELLS) {
  for (const data of ["fastcall", "bridge"] as const) {
    Deno.test(`calls on ${cell.name} by vbus's ${data} go on after a restore with the same ledger`, async () => {
      const { vm, io } = machine(cell, echoDevice());
      const handle = await io.open("echo", { via: "mmio", data });
      await handle.call(1, pattern(30));
      // A call descriptor that a guest of its own has begun to write.
      vm.mmio.find(0xfd00_0000, 4)?.handler.write(0, 4, 2);
      const bytes = saveVm(vm), other = restoreVm(bytes, { devices: [echoDevice()] });
      const there = createIo(other);
      assertEquals(other.parts.waiting, []);
      assertEquals(saveVm(other), bytes);
      const again = await there.open("echo", { via: "mmio", data });
      for (const one of [handle, again]) {
        assertEquals(await one.call(1, pattern(300)), pattern(300));
      }
      assertEquals(snapshot(other.exits), snapshot(vm.exits));
      assertEquals(saveVm(other), saveVm(vm));
      there.close();
      createIo(other);
    });
  }
}

/** Machines, and where they go on. */
const MOVES: readonly (readonly [VmOptions, RestoreOptions])[] = [
  [{ arch: "x86", backend: "vmx" }, { backend: "svm" }],
  [{ arch: "x86", backend: "svm" }, { backend: "vmx" }],
  [{ arch: "x86", mode: 32, backend: "vmx", hypervisor: "xen" }, { backend: "svm" }],
  [{ arch: "x86", backend: "vmx", hypervisor: "hyperv" }, { backend: "svm" }],
  [{ arch: "x86", backend: "svm", hypervisor: "hyperv" }, { backend: "vmx", hypervisor: "xen" }],
  [{ arch: "x86", backend: "vmx", hypervisor: "xen" }, { hypervisor: "hyperv" }],
  [{ arch: "x86", backend: "vmx", hypervisor: "vmware" }, { backend: "svm", hypervisor: "kvm" }],
  [{ arch: "ppc", backend: "kvm-hv" }, { backend: "kvm-pr" }],
  [{ arch: "ppc", backend: "kvm-pr" }, { backend: "kvm-hv", hypervisor: "papr" }],
  [{ arch: "ppc", mode: 32, backend: "kvm-pr" }, { hypervisor: "osi" }],
];

for (const [options, move] of MOVES) {
  const name = (one: { backend?: string; hypervisor?: string }) =>
    `${one.hypervisor ?? ""} ${one.backend ?? ""}`.trim();
  for (const via of VIAS) {
    Deno.test(`a driver that looks anew goes on from ${name(options)} to ${name(move)} via ${via}`, async () => {
      const { vm, io } = machine({ name: "", options }, echoDevice());
      await calls(await io.open("echo", { via }));
      const other = await restored(vm, via, move);
      await calls(other.handle);
      assert(other.vm.exits.count > 0);
      assertEquals(other.vm.earlier[0].exits.count, vm.exits.count);
    });
  }
}

Deno.test("a call of which half the payload has come is completed after a restore", async () => {
  for (const cell of CELLS.filter(({ options }) => options.arch === "x86" && options.mode !== 16)) {
    const { vm } = machine(cell, echoDevice());
    const window = vm.devices.get("echo")!.callPorts!.base;
    // FN, LENGTH 8, four bytes of data; then the other four, and the reply (see window.ts).
    const words = (values: readonly [number, number][]) =>
      values.map(([offset, value]) => `mov edx, ${window + offset}\nmov eax, ${value}\nout dx, eax`).join(
        "\n",
      );
    const { WINDOW } = await import("../../transports/window.ts");
    const begin = words([[WINDOW.fn, 3], [WINDOW.length, 8], [WINDOW.data, 0x11223344]]);
    const rest = `${words([[WINDOW.data, 0x55667788]])}\nmov edx, ${
      window + WINDOW.data
    }\nin eax, dx\nmov ebx, eax
in eax, dx\nhlt`;
    vm.load(vm.assemble(`${begin}\n${rest}`));
    await vm.run({ instructions: 9 });
    const { vm: other } = await restored(vm, "pio");
    assertEquals((await other.run()).reason, "HLT");
    const get = (name: string) => other.vcpu.registers.get(name);
    assertEquals([get("ebx"), get("eax")], [0x11223344n, 0x55667788n], cell.name);
  }
});
