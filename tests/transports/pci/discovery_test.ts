/** Devices as PCI functions, read by guest code at the configuration ports: what is there, what is not, and hostile use. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { createVm } from "../../../emulator/machine/vm.ts";
import { echoDevice } from "../../../emulator/machine/devices/echo.ts";
import type { Device } from "../../../emulator/machine/device.ts";
import { createIo, type Io, type IoOptions } from "../../../transports/io.ts";
import { CELLS, machine } from "../cells.ts";

const bell: Device = { name: "bell", stateless: true, notify() {} };
const plain: Device = { name: "plain", stateless: true, read: () => 0 };

async function config(
  io: Io,
  device: number,
  register: number,
  size: 1 | 2 | 4 = 4,
  bus = 0,
): Promise<number> {
  await io.guest.portOut(0xcf8, 4, 0x8000_0000 | bus << 16 | device << 11 | (register & 0xfc));
  return Number(await io.guest.portIn(0xcfc + (register & 3), size));
}

/** A function's capabilities: type, and words behind the head; the name as text. */
async function capabilities(io: Io, device: number, bus = 0): Promise<[number, number[] | string][]> {
  const list: [number, number[] | string][] = [];
  for (let at = await config(io, device, 0x34, 1, bus); at !== 0;) {
    const head = await config(io, device, at, 4, bus), length = head >>> 16 & 0xff, type = head >>> 24;
    assertEquals(head & 0xff, 9);
    const bytes: number[] = [];
    for (let i = 4; i < length; i++) bytes.push(await config(io, device, at + i, 1, bus));
    const view = new DataView(Uint8Array.from(bytes).buffer);
    const words = Array.from({ length: bytes.length >> 2 }, (_, i) => view.getUint32(4 * i, true));
    list.push([type, type === 4 ? new TextDecoder().decode(view) : words]);
    at = head >>> 8 & 0xff;
  }
  return list;
}

for (const cell of CELLS) {
  Deno.test(`${cell.name}: a guest finds bridge, devices and their places at ports 0xcf8 and 0xcfc`, async () => {
    const { vm, io } = machine(cell, echoDevice(), plain, bell);
    assertEquals(await config(io, 0, 0), 0x10f1_1af4);
    assertEquals(await config(io, 0, 8), 0x0600_0001);
    assertEquals(await config(io, 1, 0), 0x10f0_1af4);
    assertEquals(await config(io, 1, 8), 0xff00_0001);
    assertEquals(await config(io, 1, 6, 2), 0x10);
    assertEquals([await config(io, 2, 0), await config(io, 4, 0)], [0xffff_ffff, 0xffff_ffff]);
    assertEquals(await config(io, 3, 0), 0x10f0_1af4);
    const { window, callWindow, ports, callPorts, handle } = vm.devices.get("echo")!;
    const found = await capabilities(io, 1);
    const range = async (wanted: number, io_: boolean) => {
      for (const [type, words] of found) {
        if (type !== wanted || typeof words === "string") continue;
        const bar = await config(io, 1, 0x10 + 4 * words[0]);
        if ((bar & 1) === (io_ ? 1 : 0)) return [(bar & (io_ ? ~3 : ~15)) >>> 0, words[1], words[2]];
      }
    };
    assertEquals(await range(1, false), [window.gpa, 0, 64]);
    assertEquals(await range(2, false), [callWindow.gpa, 0, 32]);
    if (vm.arch === "x86") {
      assertEquals(await range(1, true), [ports!.base, 0, 64]);
      assertEquals(await range(2, true), [callPorts!.base, 0, 32]);
    } else {
      const [port] = (await range(2, true))!;
      assertEquals(vm.mmio.find(0xfe00_0000 + port, 4)?.name, "echo.pci.call");
    }
    const { numbers } = vm.hypervisor.abi(vm.backend.name, vm.mode) as {
      numbers: { first: number; step: number };
    };
    const of = (wanted: number) => found.find(([type]) => type === wanted)![1];
    assertEquals(of(3), [0, handle, numbers.first, numbers.step]);
    assertEquals(of(4), "echo");
    assertEquals((await capabilities(io, 3)).at(-1), [4, "bell"]);
    assertEquals(io.functions.map(({ name, bus, device }) => [name, bus, device]), [["echo", 0, 1], [
      "bell",
      0,
      3,
    ]]);
  });
}

/** Which vehicles a function's capabilities offer. */
async function offered(options: IoOptions): Promise<string[]> {
  const vm = createVm({ arch: "x86" });
  vm.devices.add(bell);
  const io = createIo(vm, options), list = await capabilities(io, 1);
  const bars = list.filter(([type]) => type === 2).map(([, words]) => words[0] === 0 ? "mmio" : "pio");
  return [...bars, ...list.some(([type]) => type === 3) ? ["hypercall"] : []];
}

Deno.test("a function offers what IoOptions.vehicles leaves, and hypercalls only where there are any", async () => {
  assertEquals(await offered({}), ["mmio", "pio", "hypercall"]);
  for (const via of ["mmio", "pio", "hypercall"] as const) {
    assertEquals(await offered({ vehicles: [via] }), [via]);
  }
  const vm = createVm({ arch: "x86", hypervisor: "none" });
  vm.devices.add(bell);
  assertEquals(createIo(vm).functions[0].hypercall, undefined);
});

Deno.test("BARs tell their sizes and keep their places; the command register is what it is", async () => {
  const { io } = machine(CELLS[0], echoDevice());
  const put = async (register: number, value: number) => {
    await config(io, 1, register);
    await io.guest.portOut(0xcfc, 4, value);
  };
  for (const [bar, size, kind] of [[0, 32, 0], [1, 32, 1], [2, 64, 0], [3, 64, 1]]) {
    const before = await config(io, 1, 0x10 + 4 * bar);
    await put(0x10 + 4 * bar, 0xffff_ffff);
    assertEquals(await config(io, 1, 0x10 + 4 * bar), (-size | kind) >>> 0);
    await put(0x10 + 4 * bar, 0x1234_5678);
    assertEquals(await config(io, 1, 0x10 + 4 * bar), before);
  }
  const command = await config(io, 1, 4);
  await put(4, 0);
  assertEquals(await config(io, 1, 4), command);
});

Deno.test("devices at odd places, far handles, long names, and those that come, go and change", async () => {
  const vm = createVm({ arch: "x86" }), io = createIo(vm);
  const name = "a".repeat(300);
  vm.devices.add({ ...bell, name, size: 3 }, { port: 0x501, gpa: 0xfeb1_0005, handle: 32 });
  // Bus 1 is there as soon as it has a device.
  assertEquals(await config(io, 0, 0, 4, 1), 0x10f1_1af4);
  const list = await capabilities(io, 1, 1);
  assertEquals((list.at(-1)![1] as string).length > 60 && name.startsWith(list.at(-1)![1] as string), true);
  const registers = list.filter(([type]) => type === 1).map(([, words]) => words as number[]);
  for (const [bar, offset, bytes] of registers) {
    const base = await config(io, 1, 0x10 + 4 * bar, 4, 1);
    assertEquals([(base & (base & 1 ? ~3 : ~15)) + offset >>> 0, bytes], [base & 1 ? 0x501 : 0xfeb1_0005, 3]);
  }
  vm.devices.reload(name, { ...plain, name, size: 3 });
  assertEquals(await config(io, 0, 0, 4, 1), 0xffff_ffff);
  vm.devices.remove(name);
  // Past the last bus: reachable as ever, but not shown.
  vm.devices.add(bell, { handle: 0xffff });
  assertEquals(io.functions, []);
  await (await io.open("bell")).notify(1);
});

Deno.test("ports that somebody has already cost the discovery, and nothing else", async () => {
  const vm = createVm({ arch: "x86" });
  vm.devices.add({ name: "other", read: () => 7 }, { port: 0xcf8 });
  vm.devices.add(echoDevice());
  const io = createIo(vm);
  assertEquals([io.functions, await io.guest.portIn(0xcfc, 4)], [[], 7n]);
  assertEquals(await (await io.open("echo")).call(1, Uint8Array.of(9)), Uint8Array.of(9));
  io.close();
  assertEquals(vm.ports.find(0xcf8, 4)?.name, "other");
});

Deno.test("a snapshot has the address register and what is being sized", async () => {
  const { vm, io } = machine(CELLS[0], echoDevice());
  await config(io, 1, 0x10);
  await io.guest.portOut(0xcfc, 4, 0xffff_ffff);
  const other = restoreVm(saveVm(vm), { devices: [echoDevice()] }), next = createIo(other);
  assertEquals(await next.guest.portIn(0xcfc, 4), 0xffff_ffe0n);
  assertEquals(await next.guest.portIn(0xcf8, 4), 0x8000_0810n);
});

Deno.test("any access to the configuration ports is answered", async () => {
  const { vm, io } = machine(CELLS[0], echoDevice(), bell);
  const bus = vm.ports.find(0xcf8, 4)!;
  const access = fc.record({
    offset: fc.nat(7),
    size: fc.constantFrom(1, 2, 4),
    value: fc.nat(0xffff_ffff),
    address: fc.oneof(fc.nat(0xffff_ffff), fc.nat(0xfff).map((low) => 0x8000_0000 + low)),
    write: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(access, { maxLength: 20 }), async (list) => {
      for (const { offset, size, value, address, write } of list) {
        await bus.handler.write(0, 4, address);
        if (write) await bus.handler.write(offset, size as 1 | 2 | 4, value);
        const read = Number(await bus.handler.read(offset, size as 1 | 2 | 4));
        assert(Number.isInteger(read) && read >= 0 && read < 2 ** (8 * size));
      }
      // Nothing that a guest writes there moves a device.
      assertEquals(await config(io, 1, 0x10) & ~1, 0xfeb0_0040 | 0);
    }),
    { numRuns: 200, seed: 4 },
  );
});
