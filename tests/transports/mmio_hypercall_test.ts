/** MMIO as a hypercall: PAPR's H_LOGICAL_CI_* and x86's pair, by guests; and vehicles under the other hypervisors. */
import { assertEquals, assertRejects } from "@std/assert";
import type { HypervisorName } from "../../emulator/machine/hypervisors/hypervisor.ts";
import { createVm } from "../../emulator/machine/vm.ts";
import type { VmOptions } from "../../emulator/machine/vm_options.ts";
import { createIo, type DataMode, type VehicleName } from "../../transports/io.ts";
import { pattern } from "./cells.ts";
import { recorder } from "./recorder.ts";

const GPA = 0xfeb0_0000;

Deno.test("H_LOGICAL_CI_STORE and _LOAD are big-endian, whatever the guest is, and reach the MMIO bus", async () => {
  for (const order of ["be", "le"] as const) {
    const vm = createVm({
      arch: "ppc",
      mode: 64,
      order,
      backend: "kvm-hv",
      memory: 0x1_0000,
      recordRows: true,
    });
    const { device, asked } = recorder(
      undefined,
      (_offset, size) => size === 8 ? 0x0807_0605_0403_0201n : 0x0201,
    );
    vm.devices.add(device, { gpa: GPA });
    createIo(vm);
    const call = async (number: number, ...args: bigint[]) => {
      vm.load(vm.assemble("sc 1\nend: nop", 0x1000n));
      vm.vcpu.registers.set("r3", BigInt(number));
      args.forEach((value, i) => vm.vcpu.registers.set(`r${4 + i}`, value));
      const stop = await vm.run({ until: vm.symbols.lookup("end") });
      assertEquals(stop.reason, "UNTIL", stop.message);
      return [BigInt.asIntN(64, vm.vcpu.registers.get("r3")), vm.vcpu.registers.get("r4")];
    };
    const gpa = BigInt(GPA);
    assertEquals((await call(0x40, 4n, gpa + 4n, 0x1122_3344n))[0], 0n);
    assertEquals((await call(0x40, 8n, gpa, 0x1122_3344_5566_7788n))[0], 0n);
    assertEquals(asked.splice(0), [
      { verb: "write", at: [4, 4], data: 0x4433_2211 },
      { verb: "write", at: [0, 8], data: 0x8877_6655_4433_2211n },
    ]);
    assertEquals(await call(0x3c, 2n, gpa), [0n, 0x0102n]);
    assertEquals(await call(0x3c, 8n, gpa), [0n, 0x0102_0304_0506_0708n]);
    // Sizes that there are not: H_PARAMETER.
    for (const size of [0n, 3n, 16n, 1n << 63n]) assertEquals((await call(0x3c, size, gpa))[0], -4n);
    assertEquals((await call(0x40, 5n, gpa, 0n))[0], -4n);
    // RAM and nobody, as QEMU's address space has them; an address that no bus has.
    assertEquals((await call(0x40, 2n, 0x3000n, 0xabcdn))[0], 0n);
    assertEquals([...vm.memory.read(0x3000, 2)], [0xab, 0xcd]);
    assertEquals(await call(0x3c, 2n, 0x3000n), [0n, 0xabcdn]);
    assertEquals(await call(0x3c, 4n, 0xfff0_0000n), [0n, 0xffff_ffffn]);
    assertEquals(await call(0x3c, 4n, (1n << 64n) - 4n), [0n, 0xffff_ffffn]);
    assertEquals((await call(0x40, 4n, (1n << 64n) - 4n, 1n))[0], 0n);
    assertEquals(new Set(vm.exits.rows.map((row) => row.native.name)), new Set(["SYSCALL"]));
    // What the kernel matches stays there.
    let signals = 0;
    vm.ioevents.add({
      bus: "mmio",
      address: GPA,
      length: 4,
      datamatch: 0x4433_2211,
      signal: () => void signals++,
    });
    vm.exits.reset();
    await call(0x40, 4n, gpa, 0x1122_3344n);
    await call(0x40, 4n, gpa, 5n);
    vm.coalesced.add({ bus: "mmio", address: GPA + 8, size: 8 });
    await call(0x40, 4n, gpa + 8n, 6n);
    assertEquals(signals, 1);
    assertEquals(vm.exits.rows.map((row) => row.handledIn), ["kernel", "userspace", "kernel"]);
    assertEquals(asked.at(-1)?.at, [8, 4]);
  }
});

Deno.test("x86's MMIO hypercall costs what the prediction of Tsirkin's row says", async () => {
  const vm = createVm({ arch: "x86", memory: 0x1_0000, profile: "tsirkin-2013" });
  vm.devices.add({ ...recorder().device, handledIn: "kernel" }, { gpa: GPA });
  createIo(vm);
  vm.load(vm.assemble(`mov eax, 0x54530028\n mov ebx, 2\n mov ecx, ${GPA}\n mov edx, 5\n vmcall\n hlt`));
  await vm.run();
  const row = vm.profile.data.published.find(({ row }) => row === "paravirtual-MMIO hypercall")!;
  assertEquals(
    vm.exits.aggregates()[0].cycles.total + vm.exits.aggregates()[1].cycles.total -
      vm.profile.stagesFor("HLT", "none", "kernel").total,
    vm.profile.predict(row),
  );
  assertEquals(vm.vcpu.registers.get("rax"), 0n);
});

/** Every hypervisor, on a machine that carries it. */
const HYPERVISORS: readonly [HypervisorName, VmOptions][] = [
  ["kvm", { arch: "x86", backend: "svm" }],
  ["xen", { arch: "x86", backend: "vmx" }],
  ["xen", { arch: "x86", mode: 32, backend: "svm" }],
  ["hyperv", { arch: "x86", backend: "vmx" }],
  ["hyperv", { arch: "x86", mode: 32, backend: "vmx" }],
  ["vmware", { arch: "x86", backend: "vmx" }],
  ["none", { arch: "x86", backend: "vmx" }],
  ["papr", { arch: "ppc", mode: 64, backend: "kvm-hv" }],
  ["epapr", { arch: "ppc", mode: 32, backend: "kvm-pr" }],
  ["osi", { arch: "ppc", mode: 32, backend: "kvm-pr" }],
];

const WAYS: readonly [VehicleName, DataMode][] = [
  ["hypercall", "registers"],
  ["hypercall", "fastcall"],
  ["hypercall", "logical"],
  ["pio", "fastcall"],
  ["mmio", "fastcall"],
  ["mmio", "bridge"],
  ["pio", "registers"],
  ["pio", "string"],
];

for (const [hypervisor, options] of HYPERVISORS) {
  Deno.test(`under ${hypervisor} on ${options.arch} ${options.mode ?? 64}, ${options.backend}: replies are equal, or there is a reason`, async () => {
    const vm = createVm({ memory: 0x10_0000, hypervisor, ...options });
    vm.devices.add(recorder((_fn, data) => data.toReversed()).device);
    const io = createIo(vm);
    for (const [via, data] of WAYS) {
      const opened = await io.open("dut", { via, data }).catch((error) => String(error.message));
      if (typeof opened === "string") {
        assertEquals(opened.length > 60, true, opened);
        await assertRejects(() => io.open("dut", { via, data }), Error);
        continue;
      }
      for (const size of [0, 5, 100]) {
        assertEquals(
          await opened.call(3, pattern(size)),
          pattern(size).toReversed(),
          `${via} ${data} ${size}`,
        );
      }
    }
  });
}
