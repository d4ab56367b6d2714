/** virtio over vbus: its functions one by one, a driver by every vehicle, hostile payloads and queues, snapshots. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { restoreVm, saveVm } from "../../../emulator/machine/snapshot/snapshot.ts";
import { createIo, type Handle, type Io } from "../../../transports/io.ts";
import { virtioVbusBlock } from "../../../transports/virtio/block.ts";
import { VIRTIO_VBUS } from "../../../transports/virtio/vbus_functions.ts";
import {
  type VirtioQueue,
  virtioQueueBytes,
  VirtioRefusal,
  VirtioVbusDriver,
} from "../../../transports/virtio/vbus_driver.ts";
import { VirtioVbus } from "../../../transports/virtio/virtio_vbus.ts";
import type { VirtioModel } from "../../../transports/virtio/virtio_model.ts";
import { WINDOW } from "../../../transports/window.ts";
import { CELLS, machine, pattern, VIAS } from "../cells.ts";

const GPA = 0x4_0000;
const SECTOR = 512;
const EINVAL = -22, ENOSYS = -38, EFAULT = -14;

/** A request of a disk: its status, and what was read. */
async function block(
  queue: VirtioQueue,
  type: number,
  sector: number,
  data: Uint8Array = new Uint8Array(0),
  room = 0,
) {
  const head = new Uint8Array(16);
  new DataView(head.buffer).setUint32(0, type, true);
  head[8] = sector;
  const reply = await queue.request(data.length > 0 ? [head, data] : [head], room + 1);
  return { status: reply.at(-1), data: reply.subarray(0, -1) };
}

for (const cell of CELLS) {
  for (const via of VIAS) {
    Deno.test(`${cell.name}: a disk by virtio-vbus via ${via}`, async () => {
      let flushes = 0;
      const image = new Uint8Array(4 * SECTOR);
      const { vm, io } = machine(cell, virtioVbusBlock({ name: "disk", image, flush: () => void flushes++ }));
      const handle = await io.open("disk", { via }), driver = new VirtioVbusDriver(handle, vm.memory);
      const [queue] = await driver.start({ queues: [{ gpa: GPA, size: 8, bytes: 2048 }] });
      assertEquals(await driver.status(), 15);
      const before = vm.exits.count;
      assertEquals((await block(queue, 1, 1, pattern(SECTOR))).status, 0);
      // The request is in memory: the doorbell is all that leaves the guest.
      assertEquals(vm.exits.count - before, 1);
      assertEquals(image.slice(SECTOR, 2 * SECTOR), pattern(SECTOR));
      assertEquals((await block(queue, 0, 1, undefined, SECTOR)).data, pattern(SECTOR));
      assertEquals((await block(queue, 0, 4, undefined, SECTOR)).status, 1);
      assertEquals(flushes, 0);
      await driver.set(32, Uint8Array.of(0));
      await block(queue, 1, 2, pattern(SECTOR));
      assertEquals(flushes, 1, "write-through");
      await driver.reset();
      assertEquals([await driver.status(), (await driver.get(32, 1))[0]], [0, 1]);
    });
  }
}

async function raw(handle: Handle, fn: number, ...bytes: number[]): Promise<[number, number[]]> {
  const reply = await handle.call(fn, Uint8Array.from(bytes));
  return [new DataView(reply.buffer, reply.byteOffset).getInt32(0, true), [...reply.subarray(4)]];
}

function disk(): { device: VirtioVbus; io: Io; vm: ReturnType<typeof machine>["vm"] } {
  const device = virtioVbusBlock({ name: "disk", image: new Uint8Array(8 * SECTOR) });
  return { device, ...machine(CELLS[0], device) };
}

Deno.test("each function answers as it is written, and refuses what is not", async () => {
  const handle = await disk().io.open("disk"), F = VIRTIO_VBUS;
  const le = (value: number, bytes = 4) =>
    Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
  assertEquals(await raw(handle, F.GET_FEATURES), [0, [0x40, 0x0a, 0, 0x30, 1, 0, 0, 0]]);
  assertEquals(await raw(handle, F.FINALIZE_FEATURES, ...le(2 ** 32 + 2 ** 29, 8)), [0, []]);
  // VERSION_1 is missing, or a bit that is not offered is there.
  for (const features of [0, 2 ** 29, 2 ** 32 + 1, 2 ** 33]) {
    assertEquals(await raw(handle, F.FINALIZE_FEATURES, ...le(features, 8)), [EINVAL, []], String(features));
  }
  assertEquals(await raw(handle, F.GET, ...le(0), ...le(8)), [0, le(8, 8)]);
  assertEquals(await raw(handle, F.GET, ...le(36), ...le(0)), [0, []]);
  for (const [offset, length] of [[36, 1], [0, 37], [2 ** 32 - 1, 1], [1, 2 ** 32 - 1]]) {
    assertEquals(await raw(handle, F.GET, ...le(offset), ...le(length)), [EINVAL, []]);
  }
  assertEquals(await raw(handle, F.SET, ...le(32), 0), [0, []]);
  assertEquals(await raw(handle, F.GET, ...le(32), ...le(1)), [0, [0]]);
  // What cannot be written stays.
  assertEquals(await raw(handle, F.SET, ...le(0), 9, 9), [0, []]);
  assertEquals(await raw(handle, F.GET, ...le(0), ...le(2)), [0, [8, 0]]);
  assertEquals(await raw(handle, F.SET, ...le(36), 0), [EINVAL, []]);
  assertEquals(await raw(handle, F.SET_STATUS, ...le(11)), [0, []]);
  assertEquals(await raw(handle, F.GET_STATUS), [0, le(11)]);
  assertEquals(await raw(handle, F.FINALIZE_FEATURES, ...le(2 ** 32, 8)), [EINVAL, []], "after FEATURES_OK");
  assertEquals(await raw(handle, F.GET_QUEUE, ...le(0)), [0, le(256)]);
  assertEquals(await raw(handle, F.GET_QUEUE, ...le(1)), [EINVAL, []]);
  const queue = (index: number, size: number, ...at: number[]) =>
    raw(handle, F.SET_QUEUE, ...le(index), ...le(size), ...at.flatMap((one) => le(one, 8)));
  for (
    const [index, size, ...at] of [
      [1, 8, GPA, GPA, GPA], // no such queue
      [0, 3, GPA, GPA, GPA], // no power of two
      [0, 512, GPA, GPA, GPA], // more than it has
      [0, 8, GPA + 8, GPA, GPA], // not aligned
      [0, 8, GPA, GPA + 1, GPA],
      [0, 8, GPA, GPA, GPA + 2],
      [0, 8, 2 ** 52, GPA, GPA], // no guest-physical address
    ]
  ) assertEquals(await queue(index, size, ...at), [EINVAL, []]);
  assertEquals(await queue(0, 8, GPA, GPA + 0x1000, GPA + 0x2000), [0, []]);
  assertEquals(await queue(0, 8, GPA, GPA + 0x1000, GPA + 0x2000), [EINVAL, []], "in use");
  assertEquals(await queue(0, 0, 0, 0, 0), [0, []]);
  assertEquals(await queue(0, 8, 0xa000_0000, 0xa000_1000, 0xa000_2000), [EFAULT, []]);
  assertEquals(await raw(handle, F.GET_STATUS), [0, le(11 | 64)]);
  assertEquals(await raw(handle, F.RESET), [0, []]);
  assertEquals(await raw(handle, F.GET_STATUS), [0, le(0)]);
  assertEquals(await raw(handle, F.GET_INTERRUPT), [0, le(0)]);
  for (const fn of [0, 11, 0xffff_ffff]) assertEquals(await raw(handle, fn), [ENOSYS, []]);
  for (const fn of Object.values(F)) assertEquals(await raw(handle, fn, 1, 2, 3), [EINVAL, []], String(fn));
});

Deno.test("a doorbell before DRIVER_OK, of no queue, or of a broken one does nothing", async () => {
  const { device, io, vm } = disk(), handle = await io.open("disk");
  const driver = new VirtioVbusDriver(handle, vm.memory);
  await handle.notify(0);
  const [queue] = await driver.start({ queues: [{ gpa: GPA, size: 8 }] });
  for (const index of [1, 7, 0xffff_ffff]) await handle.notify(index);
  assertEquals(device.stats[0]?.completed, 0);
  // An available index that is further than the queue is long.
  vm.memory.write(GPA + 16 * 8 + 2, Uint8Array.of(0xff, 0xff));
  await handle.notify(0);
  assert(device.problem?.includes("available index"), device.problem);
  assertEquals(await driver.status() & 64, 64);
  assertEquals(await driver.interrupt(), 2);
  await assertRejects(() => block(queue, 0, 0, undefined, SECTOR), Error, "has not answered");
  await driver.reset();
  assertEquals([device.problem, await driver.status()], [undefined, 0]);
});

Deno.test("a kernel match of NOTIFY takes the doorbell, as an ioeventfd", async () => {
  const { device, io, vm } = disk(), { callPorts } = vm.devices.get("disk")!;
  const driver = new VirtioVbusDriver(await io.open("disk", { via: "pio" }), vm.memory);
  const [queue] = await driver.start({ queues: [{ gpa: GPA, size: 8 }] });
  vm.ioevents.add({
    bus: "pio",
    address: callPorts!.base + WINDOW.notify,
    length: 4,
    datamatch: 0,
    signal: () => device.notify(0),
  });
  assertEquals((await block(queue, 0, 0, undefined, SECTOR)).status, 0);
  assertEquals(vm.exits.rows.at(-1)!.handledIn, "kernel");
});

Deno.test("the driver says what was refused, and by whom", async () => {
  const { io, vm } = disk(), driver = new VirtioVbusDriver(await io.open("disk"), vm.memory);
  const error = await assertRejects(() => driver.finalizeFeatures(0n), VirtioRefusal, "EINVAL");
  assertEquals([error.message, error.status], ['FINALIZE_FEATURES of device "disk": EINVAL', EINVAL]);
  await assertRejects(
    () => driver.start({ queues: [{ gpa: GPA }, { gpa: GPA }] }),
    VirtioRefusal,
    "GET_QUEUE",
  );
  assertEquals(virtioQueueBytes(8, 1024), 16 * 8 + 24 + 72 + 8 * 1024);
});

/** Answers nothing until it is told to. */
class Slow implements VirtioModel {
  readonly type = 42;
  readonly features = 0n;
  readonly queues = [8];
  waits = true;
  onReady?: (queue: number) => void;
  config = () => new Uint8Array(0);
  ready = () => !this.waits;
  serve = () => Uint8Array.of(7);
  save = () => this.waits;
  load() {}
}

Deno.test("a device that answers later: submit, then collect", async () => {
  const model = new Slow(), { io, vm } = machine(CELLS[0], new VirtioVbus("slow", model));
  const [queue] = await new VirtioVbusDriver(await io.open("slow"), vm.memory).start({
    queues: [{ gpa: GPA }],
  });
  const id = await queue.submit([Uint8Array.of(1)], 1);
  assertEquals(queue.collect(), undefined);
  model.waits = false;
  model.onReady?.(0);
  assertEquals(queue.collect(), { id, bytes: Uint8Array.of(7) });
});

Deno.test("any function with any payload, and any memory for a queue: an answer, never an error of the host's", async () => {
  const { device, io, vm } = disk(), handle = await io.open("disk", { via: "mmio" });
  const step = fc.oneof(
    fc.record({ fn: fc.nat(12), bytes: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({
      fn: fc.constant(9),
      queue: fc.nat(1),
      size: fc.constantFrom(0, 1, 8, 256),
      at: fc.nat(0x1f_ffff),
    }),
    fc.record({ fn: fc.constant(6), status: fc.nat(255) }),
    fc.record({ fn: fc.constant(-1), queue: fc.nat(2) }),
  );
  const context = vm.devices.context(vm.devices.get("disk")!);
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.uint8Array({ maxLength: 600 }),
      async (steps, noise) => {
        vm.memory.write(GPA, noise);
        for (const one of steps) {
          if (one.fn === -1) {
            await device.notify((one as { queue: number }).queue, context);
            continue;
          }
          const payload = new Uint8Array("bytes" in one ? 0 : one.fn === 9 ? 32 : 4),
            view = new DataView(payload.buffer);
          if ("at" in one) {
            [one.queue, one.size].forEach((value, i) => view.setUint32(4 * i, value, true));
            [0, 0x400, 0x800].forEach((more, i) =>
              view.setBigUint64(8 + 8 * i, BigInt((one.at & ~15) + more), true)
            );
          } else if ("status" in one) view.setUint32(0, one.status, true);
          const reply = device.call(one.fn, "bytes" in one ? one.bytes : payload, context);
          assert(reply.length >= 4);
        }
      },
    ),
    { numRuns: 300, seed: 4 },
  );
  // It is as good as new after a reset.
  vm.memory.write(GPA, new Uint8Array(0x4000));
  const [queue] = await new VirtioVbusDriver(handle, vm.memory).start({ queues: [{ gpa: GPA, size: 8 }] });
  assertEquals((await block(queue, 0, 0, undefined, SECTOR)).status, 0);
});

Deno.test("a snapshot has the device in the middle of its work", async () => {
  const { io, vm } = disk(), driver = new VirtioVbusDriver(await io.open("disk"), vm.memory);
  const [queue] = await driver.start({ queues: [{ gpa: GPA, size: 8 }] });
  await driver.set(32, Uint8Array.of(0));
  await block(queue, 1, 3, pattern(SECTOR));
  const image = new Uint8Array(8 * SECTOR);
  const other = restoreVm(saveVm(vm), { devices: [virtioVbusBlock({ name: "disk", image })] });
  const next = new VirtioVbusDriver(await createIo(other).open("disk"), other.memory);
  assertEquals(image.slice(3 * SECTOR, 4 * SECTOR), pattern(SECTOR));
  assertEquals([await next.status(), (await next.get(32, 1))[0], await next.interrupt()], [15, 0, 1]);
  assertEquals(saveVm(other).length > 0, true);
});
