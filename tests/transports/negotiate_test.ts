/** Which vehicle a handle gets, and why. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createVm, type Vm } from "../../emulator/machine/vm.ts";
import type { BoundDevice } from "../../transports/endpoint.ts";
import { createIo } from "../../transports/io.ts";
import { negotiate, VEHICLES } from "../../transports/negotiate.ts";
import { CELLS, machine } from "./cells.ts";
import { recorder } from "./recorder.ts";

Deno.test("open() without via prefers the hypercall everywhere", async () => {
  for (const cell of CELLS) {
    const { io } = machine(cell, recorder().device);
    const handle = await io.open("dut");
    assertEquals([handle.via, handle.label], ["hypercall", "hypercall"]);
    assertStringIncludes(handle.why[0], "hypercall: first choice");
  }
});

Deno.test("open() passes over what a policy forbids, and says so", async () => {
  const vm = createVm({ arch: "x86", backend: "svm", memory: 0x10_0000 });
  const io = createIo(vm, { vehicles: ["pio", "mmio"] });
  vm.devices.add(recorder().device);
  const handle = await io.open("dut");
  assertEquals(handle.via, "pio");
  assertEquals(handle.why.slice(0, 2), ["hypercall passed over: not allowed here", "pio: second choice"]);
  await assertRejects(
    () => io.open("dut", { via: "hypercall" }),
    Error,
    'device "dut" cannot be opened via hypercall: only pio, mmio may be used here',
  );
});

Deno.test("open() on PowerPC passes PIO over for MMIO, and labels it where it is asked for", async () => {
  for (const cell of CELLS.filter(({ options }) => options.arch === "ppc")) {
    const vm = createVm({ memory: 0x10_0000, ...cell.options });
    const io = createIo(vm, { vehicles: ["pio", "mmio"] });
    vm.devices.add(recorder().device);
    const handle = await io.open("dut");
    assertEquals([handle.via, handle.label], ["mmio", "mmio"]);
    assertStringIncludes(handle.why.join("\n"), "pio passed over: on PowerPC it is MMIO");
    const asked = await io.open("dut", { via: "pio" });
    assertEquals([asked.via, asked.label], ["mmio", "mmio (PCI I/O window; pio asked for)"]);
    assertStringIncludes(asked.why.join("\n"), "no IN and OUT");
  }
});

Deno.test("open() refuses unknown devices, vehicles and data modes, naming those that there are", async () => {
  const { io } = machine(CELLS[0], recorder().device);
  await assertRejects(() => io.open("dot"), Error, 'there is no device "dot"; there is dut');
  await assertRejects(() => io.open("dut", { via: "smoke" as "pio" }), TypeError, "hypercall, pio, mmio");
  await assertRejects(
    () => io.open("dut", { data: "pigeon" as "auto" }),
    TypeError,
    "auto, words, descriptor",
  );
});

Deno.test("open() refuses ports past 0xffff with the reason", async () => {
  const { vm, io } = machine(CELLS[0]);
  // As many devices as the port space takes, and one more.
  for (let i = 0; i < 3; i++) vm.devices.add({ ...recorder().device, name: `big${i}`, size: 0x8000 });
  const last = vm.devices.list().at(-1)!;
  assertEquals(last.ports, undefined);
  await assertRejects(() => io.open("big2", { via: "pio" }), Error, "cannot be opened via pio");
  const handle = await io.open("big2", { via: "mmio" });
  assertEquals(handle.via, "mmio");
});

Deno.test("a handle outlives a reload of its device, not its removal, and can be closed", async () => {
  const { vm, io } = machine(CELLS[0], recorder(() => 1).device);
  for (const via of ["hypercall", "pio", "mmio"] as const) {
    const handle = await io.open("dut", { via });
    vm.devices.reload("dut", recorder(() => 2).device);
    assertEquals((await handle.call(0))[0], 2);
    handle.close();
    await assertRejects(() => handle.call(0), Error, "the handle is closed");
  }
  const handle = await io.open("dut");
  vm.devices.remove("dut");
  await assertRejects(() => handle.call(0), Error, "no longer attached");
  vm.devices.add(recorder(() => 3).device);
  assertEquals((await (await io.open("dut", { via: "mmio" })).call(0))[0], 3);
});

Deno.test("createIo() twice on one machine is an error until the first is closed", async () => {
  const { vm, io } = machine(CELLS.at(-1)!, recorder(() => 1).device);
  await (await io.open("dut")).call(1);
  assertThrows(() => createIo(vm), RangeError, "taken");
  io.close();
  const again = createIo(vm);
  assertEquals((await (await again.open("dut", { via: "pio" })).call(1))[0], 1);
});

Deno.test("guest: single accesses, device or not", async () => {
  for (const cell of CELLS) {
    const { device, asked } = recorder(undefined, () => 0x44);
    const { vm, io } = machine(cell, device);
    const { ports, window } = vm.devices.get("dut")!;
    if (ports !== undefined) {
      assertEquals(await io.guest.portIn(ports.base, 2), 0x44n);
      await io.guest.portOut(ports.base + 4, 4, 0xdead_beefn);
      assertEquals(asked.splice(0), [
        { verb: "read", at: [0, 2] },
        { verb: "write", at: [4, 4], data: 0xdead_beef },
      ]);
    }
    assertEquals(await io.guest.portIn(0x80, 1), 0xffn);
    assertEquals(await io.guest.load(window.gpa, 1), 0x44n);
    await io.guest.store(0x2000, 4, 0x0102_0304);
    const order = vm.isa.order === "be" ? [1, 2, 3, 4] : [4, 3, 2, 1];
    assertEquals([...vm.memory.read(0x2000, 4)], order);
    assertEquals(await io.guest.load(0x2000, 4), 0x0102_0304n);
    const { status } = await io.guest.hypercall(0x7777_0000);
    const bits = vm.mode === 64 ? 64 : 32;
    const unknown = { vmx: -1000n, svm: -1000n, "kvm-hv": -2n, "kvm-pr": 12n }[vm.backend.name];
    assertEquals(BigInt.asIntN(bits, status), unknown);
    await assertRejects(() => io.guest.portIn(0x1_0000, 1), RangeError, "2^16 ports");
    await assertRejects(() => io.guest.portIn(0, 8), RangeError, "none of 8");
  }
});

Deno.test("negotiate() passes over a hypercall that the backend does not take, with its reason", () => {
  const { vm } = machine(CELLS[0], recorder().device);
  const why = "this hypervisor has no hypercalls";
  const rule = { do: "exception", vector: 6, name: "#UD", why } as const;
  const bare = {
    arch: vm.arch,
    mode: vm.mode,
    backend: { ...vm.backend, traps: { vmcall: rule } },
  } as unknown as Vm;
  const here = { ok: true, registers: 0x1000, call: 0x1020 } as const;
  const bound = {
    attachment: vm.devices.get("dut")!,
    ports: here,
    mmio: here,
    pciIo: { ok: false, reason: "" },
  } as unknown as BoundDevice;
  const choice = negotiate(bare, bound, undefined, VEHICLES);
  assertEquals(choice.via, "pio");
  assertStringIncludes(choice.why[0], `hypercall passed over: KVM on Intel VT-x offers none: ${why}`);
  assertThrows(() => negotiate(bare, bound, "hypercall", VEHICLES), Error, why);
});

Deno.test("a device whose call window has no place is there, and says so when it is opened", async () => {
  const { vm, io } = machine(CELLS[0]);
  vm.devices.add({ ...recorder().device, name: "first" }, { port: 0x320 });
  // Its call window would be where the first one's registers are.
  vm.devices.add({ ...recorder().device, name: "second" }, { port: 0x300 });
  await assertRejects(() => io.open("second", { via: "pio" }), Error, "overlaps");
  assertEquals((await io.open("second", { via: "mmio" })).via, "mmio");
  vm.devices.add({ ...recorder().device, name: "last" }, { port: 0xfff0 });
  await assertRejects(() => io.open("last", { via: "pio" }), Error, "outside 0x0-0xffff");
  vm.devices.remove("second");
  vm.devices.remove("last");
});

Deno.test("devices beyond the PCI I/O window's 64 KiB are there without it", async () => {
  const { vm, io } = machine(CELLS.at(-1)!);
  for (let i = 0; i < 3; i++) vm.devices.add({ ...recorder().device, name: `big${i}`, size: 0x8000 });
  assertEquals((await io.open("big0", { via: "pio" })).via, "mmio");
  await assertRejects(() => io.open("big1", { via: "pio" }), Error, "PCI I/O window");
  assertEquals((await (await io.open("big2", { via: "mmio" })).call(1, 7))[0], 7);
});
