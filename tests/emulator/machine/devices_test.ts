/** Devices, their addresses, and what is no device. */
import { assertEquals, assertThrows } from "@std/assert";
import { checkDevice, type Device } from "../../../emulator/machine/device.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import { guest } from "./guests.ts";

const device = (name: string, size?: number): Device => ({ name, size, read: () => 1, write: () => {} });

Deno.test("checkDevice() says what is missing", () => {
  const wrong: [unknown, string][] = [
    [undefined, "device is undefined, not a device"],
    [null, "device is null, not a device"],
    ["echo", "device is string, not a device"],
    [{}, "device.name is undefined"],
    [{ name: "a b", read() {} }, 'device.name is "a b": give a word'],
    [{ name: "" }, 'device.name is ""'],
    [{ name: "a" }, 'device "a" has none of read, write, call, queue and notify'],
    [{ name: "a", read: 5 }, "device.read is a number, not a function"],
    [{ name: "a", call() {}, reset: "x" }, "device.reset is a string, not a function"],
    [{ name: "a", call() {}, size: 0 }, "device.size is 0"],
    [{ name: "a", call() {}, size: 1.5 }, "device.size is 1.5"],
    [{ name: "a", call() {}, size: 2 ** 21 }, "1 to 1048576"],
    [{ name: "a", call() {}, size: 8n }, "device.size is 8"],
    [{ name: "a", call() {}, handledIn: "firmware" }, 'give "kernel" or "userspace"'],
  ];
  for (const [value, message] of wrong) assertThrows(() => checkDevice(value), TypeError, message);
  assertThrows(
    () => checkDevice(3, "file.ts: default export"),
    TypeError,
    "file.ts: default export is number",
  );
  const fine = { name: "a-1.b_c", call() {} };
  assertEquals(checkDevice(fine), fine);
});

Deno.test("add() gives each device ports, a window and a handle of its own", () => {
  const vm = createVm({ arch: "x86" });
  const places = ["a", "b", "c"].map((name, i) => vm.devices.add(device(name, [8, 40, 0x1000][i])));
  assertEquals(places.map(({ handle }) => handle), [1, 2, 3]);
  assertEquals(places.map(({ ports }) => ports), [
    { base: 0x1000, size: 8 },
    { base: 0x1040, size: 40 },
    { base: 0x10a0, size: 0x1000 },
  ]);
  assertEquals(places.map(({ window }) => window.gpa), [0xfeb0_0000, 0xfeb0_1000, 0xfeb0_2000]);
  assertEquals(places.map(({ callPorts }) => callPorts!.base), [0x1020, 0x1080, 0x20a0]);
  assertEquals(vm.devices.get("b"), places[1]);
  assertEquals(vm.devices.list(), places);
});

Deno.test("add() takes the address that is asked for, or none", () => {
  const vm = createVm({ arch: "x86" });
  const place = vm.devices.add(device("a"), { port: 0x60, gpa: 0xd000_0000, handle: 77 });
  assertEquals([place.ports, place.window.gpa, place.handle], [{ base: 0x60, size: 8 }, 0xd000_0000, 77]);
  const wrong: [Parameters<typeof vm.devices.add>[1], string][] = [
    [{ port: 0x64 }, "port range 0x64-0x6b of b overlaps 0x60-0x67 of a"],
    [{ port: 0xfffc }, "port range 0xfffc-0x10003 of b lies outside 0x0-0xffff"],
    [{ port: -1 }, "lies outside"],
    [{ gpa: 0xd000_0004 }, "guest-physical range 0xd0000004-0xd000000b of b overlaps"],
    [{ gpa: 2 ** 52 }, "lies outside"],
    [{ gpa: 0x2000 }, "guest-physical 0x2000 of b lies in memory slot ram"],
    [{ handle: 77 }, "no handle 77 for device b"],
    [{ handle: 0 }, "handles are 1 to 0xffff"],
    [{ handle: 1.5 }, "handles are 1 to 0xffff"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => vm.devices.add(device("b"), options), RangeError, message);
    // Nothing is left behind.
    assertEquals([vm.devices.list().length, vm.ports.list.length, vm.mmio.list.length], [1, 1, 1]);
  }
  assertThrows(() => vm.devices.add(device("a")), RangeError, "there is a device a already");
});

Deno.test("add() passes over addresses that something else claims", () => {
  const vm = createVm({ arch: "x86" });
  vm.ports.add({ base: 0x1004, size: 1, name: "mine" }, { read: () => 0, write: () => {} });
  vm.mmio.add({ base: 0xfeb0_0800, size: 1, name: "mine" }, { read: () => 0, write: () => {} });
  const { ports, window } = vm.devices.add(device("a"));
  assertEquals([ports!.base, window.gpa], [0x1020, 0xfeb0_1000]);
});

Deno.test("a device has no ports where the port space is full, and says so", () => {
  const vm = createVm({ arch: "x86" });
  let whole = 0;
  for (; whole < 40; whole++) {
    const { ports, portless } = vm.devices.add(device(`d${whole}`, 0x1000));
    if (ports) continue;
    assertEquals(portless?.startsWith("the port space is full: 4128 bytes"), true, portless);
    break;
  }
  // 60 KiB of ports from 0x1000 on, 4,096 + 32 each.
  assertEquals(whole, 14);
  // A small one still finds room.
  assertEquals(vm.devices.add(device("small")).ports !== undefined, true);
  vm.devices.remove("d3");
  assertEquals(vm.devices.add(device("again", 0x1000)).ports?.base, 0x1000 + 3 * (0x1000 + 32));
});

Deno.test("add() throws when the windows are used up, and there are 65,535 handles", () => {
  const vm = createVm({ arch: "ppc" });
  vm.devices.add(device("big", 0x8_0000));
  assertThrows(() => vm.devices.add(device("too", 0x8_0000)), RangeError, "no guest-physical addresses left");
  vm.devices.add(device("last"), { handle: 0xffff });
  assertThrows(() => vm.devices.add(device("x"), { handle: 0x1_0000 }), RangeError, "no handle 65536");
});

Deno.test("PowerPC devices have no ports", () => {
  const vm = createVm({ arch: "ppc" });
  assertEquals(vm.devices.add(device("a")).portless, "this architecture has no port I/O");
  assertThrows(
    () => vm.devices.add(device("b"), { port: 1 }),
    RangeError,
    "this architecture has no port I/O",
  );
});

Deno.test("remove() unmaps, reload() keeps the addresses", async () => {
  const vm = guest("mov edx, 0x1000\nin al, dx\nmov ebx, 0xfeb00000\nmov cl, [rbx]\nhlt");
  const answers = async () => {
    vm.vcpu.pc = 0x1000n;
    await vm.run();
    return [vm.vcpu.registers.get("al"), vm.vcpu.registers.get("cl")];
  };
  const before = vm.devices.add({ name: "d", read: () => 1 });
  assertEquals(await answers(), [1n, 1n]);
  const after = vm.devices.reload("d", { name: "d", read: () => 2 });
  assertEquals(await answers(), [2n, 2n]);
  assertEquals({ ...after, device: 0 }, { ...before, device: 0 });
  assertEquals(vm.devices.get("d"), after);
  assertThrows(() => vm.devices.reload("e", device("e")), RangeError, "no device e to reload: there are d");
  assertThrows(() => vm.devices.reload("d", device("e")), RangeError, "the device is named e now, not d");
  assertThrows(() => vm.devices.reload("d", device("d", 16)), RangeError, "16 bytes of registers now, not 8");
  assertThrows(() => vm.devices.reload("d", {} as Device), TypeError);
  assertEquals(await answers(), [2n, 2n]);
  assertEquals([vm.devices.remove("d"), vm.devices.remove("d")], [true, false]);
  assertEquals(await answers(), [0xffn, 0xffn]);
});

Deno.test("watch() tells of devices that are there, come, go and are reloaded", () => {
  const vm = createVm({ arch: "x86" });
  vm.devices.add(device("a"));
  const told: string[] = [];
  const end = vm.devices.watch((event, { device }) => told.push(`${event} ${device.name}`));
  vm.devices.add(device("b"));
  vm.devices.reload("a", device("a"));
  vm.devices.remove("b");
  end();
  vm.devices.remove("a");
  assertEquals(told, ["add a", "add b", "reload a", "remove b"]);
});

Deno.test("a device without read gives ones, without write drops stores", async () => {
  const vm = guest("mov edx, 0x1000\nin ax, dx\nout dx, al\nmov ebx, 0xfeb00000\nmov rcx, [rbx]\nhlt");
  vm.devices.add({ name: "mute", call: () => {} });
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals([vm.vcpu.registers.get("ax"), vm.vcpu.registers.get("rcx")], [0xffffn, 2n ** 64n - 1n]);
});

Deno.test("a device's context charges, tells the time and reaches memory", async () => {
  const vm = guest("mov edx, 0x1000\nout dx, al\nhlt");
  const seen: unknown[] = [];
  vm.devices.add({
    name: "d",
    write(_offset, _size, _value, context) {
      const before = context.cycles;
      context.charge(100);
      seen.push(context.cycles - before, context.memory.read(0x1000, 1)[0]);
      context.memory.write(0x3000, Uint8Array.of(9));
      assertThrows(() => context.memory.read(0x1_0000, 1), RangeError, "cannot read 1 bytes");
      for (const cycles of [-1, 0.5, NaN]) assertThrows(() => context.charge(cycles), RangeError);
    },
  });
  assertEquals((await vm.run()).reason, "HLT");
  assertEquals([...seen, vm.memory.read(0x3000, 1)[0]], [100, 0xba, 9]);
  assertEquals(vm.exits.rows[0].cycles.device, 100);
});

Deno.test("reset() resets the vCPU and the devices", () => {
  const vm = guest("hlt");
  let resets = 0;
  vm.devices.add({ ...device("a"), reset: () => void resets++ });
  vm.devices.add(device("b"));
  vm.vcpu.registers.set("rax", 5);
  vm.reset();
  assertEquals([resets, vm.vcpu.registers.get("rax"), vm.vcpu.pc], [1, 0n, 0n]);
});
