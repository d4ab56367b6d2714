/** virtio-mmio's registers, driven by guest loads and stores on every machine; its queues by our driver's side. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VirtioConsole, type VirtioConsole as Console } from "../../../transports/virtio/console.ts";
import { virtioBlock } from "../../../transports/virtio/block.ts";
import { FEATURE, STATUS } from "../../../transports/virtio/constants.ts";
import { REG } from "../../../transports/virtio/mmio_registers.ts";
import type { Handle } from "../../../transports/io.ts";
import { VirtqueueDriver } from "../../../transports/virtio/virtqueue_driver.ts";
import type { Vm } from "../../../emulator/machine/vm.ts";
import { CELLS, machine, pattern } from "../cells.ts";
import { placeOf } from "../rings/kinds.ts";

const QUEUE = 0x1_0000, SIZE = 8, EACH = 2048;
const get = async (handle: Handle, offset: number) => Number(await handle.read(offset, 4));
const put = (handle: Handle, offset: number, value: number) => handle.write(offset, 4, value);

/** Brings a device up; answers a driver for each of its queues. */
async function bringUp(vm: Vm, handle: Handle, queues: number, more = 0n): Promise<VirtqueueDriver[]> {
  await put(handle, REG.status, 0);
  await put(handle, REG.status, STATUS.acknowledge | STATUS.driver);
  const features = FEATURE.version1 | more;
  for (const half of [0, 1]) {
    await put(handle, REG.driverFeaturesSelect, half);
    await put(handle, REG.driverFeatures, Number(features >> BigInt(32 * half) & 0xffff_ffffn));
  }
  const status = STATUS.acknowledge | STATUS.driver | STATUS.featuresOk;
  await put(handle, REG.status, status);
  assertEquals(await get(handle, REG.status), status);
  const drivers: VirtqueueDriver[] = [];
  for (let queue = 0; queue < queues; queue++) {
    const base = QUEUE + 0x1_0000 * queue;
    const place = placeOf(SIZE, (more & FEATURE.eventIdx) !== 0n, (more & FEATURE.indirect) !== 0n, base);
    vm.memory.write(base, new Uint8Array(4096));
    await put(handle, REG.queueSelect, queue);
    assertEquals([await get(handle, REG.queueReady), await get(handle, REG.queueSizeMax) >= SIZE], [0, true]);
    await put(handle, REG.queueSize, SIZE);
    await put(handle, REG.descriptorsLow, place.descriptors);
    await put(handle, REG.descriptorsHigh, 0);
    await put(handle, REG.driverLow, place.available);
    await put(handle, REG.driverHigh, 0);
    await put(handle, REG.deviceLow, place.used);
    await put(handle, REG.deviceHigh, 0);
    await put(handle, REG.queueReady, 1);
    drivers.push(new VirtqueueDriver(vm.memory, place, { gpa: base + 4096, each: EACH }));
  }
  await put(handle, REG.status, status | STATUS.driverOk);
  return drivers;
}

function header(type: number, sector: bigint): Uint8Array {
  const bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, sector, true);
  return bytes;
}

for (const cell of CELLS) {
  Deno.test(`${cell.name}: a disk by virtio-mmio reads, writes, says its id and refuses what is not there`, async () => {
    for (const features of [0n, FEATURE.eventIdx, FEATURE.indirect | FEATURE.eventIdx]) {
      const image = pattern(4 * 512);
      const { vm, io } = machine(cell, virtioBlock({ image, id: "disk of the test" }));
      const handle = await io.open("virtio-blk", { via: "mmio" });
      assertEquals(await get(handle, REG.magic), 0x7472_6976);
      assertEquals([await get(handle, REG.version), await get(handle, REG.deviceId)], [2, 2]);
      assertEquals([await get(handle, REG.config), await get(handle, REG.config + 20)], [4, 512]);
      const [driver] = await bringUp(vm, handle, 1, features);
      const request = async (type: number, sector: bigint, sent: Uint8Array, wanted: number) => {
        assert(
          driver.submit(
            sent.length > 0 ? [header(type, sector), sent] : [header(type, sector)],
            wanted + 1,
          ) !== undefined,
        );
        if (driver.wantsKick()) await put(handle, REG.queueNotify, 0);
        const { bytes } = driver.collect()!;
        return { status: bytes[bytes.length - 1], bytes: bytes.slice(0, -1) };
      };
      const none = new Uint8Array(0);
      assertEquals(await request(0, 1n, none, 1024), { status: 0, bytes: image.slice(512, 1536) });
      const sector = pattern(600).slice(88);
      assertEquals((await request(1, 3n, sector, 0)).status, 0);
      assertEquals(image.slice(1536), sector);
      const { bytes } = await request(8, 0n, none, 20);
      assertEquals(new TextDecoder().decode(bytes), "disk of the test\0\0\0\0");
      for (
        const [type, at, sent, wanted, status] of [
          [0, 4n, none, 512, 1],
          [0, 3n, none, 1024, 1],
          [0, (1n << 64n) - 1n, none, 512, 1],
          [1, 4n, sector, 0, 1],
          [0, 0n, none, 100, 1],
          [1, 0n, sector.slice(1), 0, 1],
          [77, 0n, none, 8, 2],
          [4, 0n, none, 0, 0],
        ] as const
      ) {
        assertEquals((await request(type, at, sent, wanted)).status, status, `${type} ${at}`);
      }
      assertEquals(await get(handle, REG.interruptStatus), 1);
      await put(handle, REG.interruptAck, 1);
      assertEquals(await get(handle, REG.interruptStatus), 0);
      // A reset takes the queue away, and the next driver finds it as new.
      await put(handle, REG.status, 0);
      assertEquals([await get(handle, REG.status), await get(handle, REG.queueReady)], [0, 0]);
      const [again] = await bringUp(vm, handle, 1);
      again.submit([header(0, 0n)], 513);
      await put(handle, REG.queueNotify, 0);
      assertEquals(again.collect()?.bytes.slice(0, 512), image.slice(0, 512));
    }
  });
}

Deno.test("features that are not offered, or no VERSION_1, are not agreed upon", async () => {
  const { io } = machine(CELLS[0], virtioBlock({ image: new Uint8Array(512), readOnly: true }));
  const handle = await io.open("virtio-blk", { via: "mmio" });
  await put(handle, REG.deviceFeaturesSelect, 0);
  const low = await get(handle, REG.deviceFeatures);
  assertEquals(low, (1 << 28 | 1 << 29 | 1 << 5 | 1 << 6 | 1 << 9 | 1 << 11) >>> 0);
  await put(handle, REG.deviceFeaturesSelect, 1);
  assertEquals(await get(handle, REG.deviceFeatures), 1);
  await put(handle, REG.deviceFeaturesSelect, 2);
  assertEquals(await get(handle, REG.deviceFeatures), 0);
  for (const [lowBits, high] of [[0, 0], [1, 1], [0, 3]]) {
    await put(handle, REG.status, 0);
    await put(handle, REG.driverFeaturesSelect, 0);
    await put(handle, REG.driverFeatures, lowBits);
    await put(handle, REG.driverFeaturesSelect, 1);
    await put(handle, REG.driverFeatures, high);
    await put(handle, REG.status, 11);
    assertEquals(await get(handle, REG.status), 3, `${lowBits} ${high}`);
  }
});

Deno.test("a queue that cannot be, or a hostile one, makes the device need a reset, and tells the driver", async () => {
  const disk = virtioBlock({ image: new Uint8Array(512) });
  const { vm, io } = machine(CELLS[4], disk);
  const handle = await io.open("virtio-blk", { via: "mmio" });
  const [driver] = await bringUp(vm, handle, 1);
  driver.submit([new Uint8Array(3)], 1);
  await put(handle, REG.queueNotify, 0);
  assertEquals([await get(handle, REG.status) & STATUS.needsReset, await get(handle, REG.interruptStatus)], [
    64,
    2,
  ]);
  assertStringIncludes(disk.problem!, "a block request of 3 bytes");
  await put(handle, REG.queueNotify, 0);
  await put(handle, REG.status, 0);
  assertEquals(disk.problem, undefined);
  for (
    const [size, low, high, why] of [[3, 0x1000, 0, "power of two"], [8, 0x1008, 0, "aligned"], [
      8,
      0x1000,
      0xffff_ffff,
      "no guest-physical address",
    ], [512, 0x1000, 0, "at most 256"]] as const
  ) {
    await put(handle, REG.queueSelect, 0);
    await put(handle, REG.queueSize, size);
    await put(handle, REG.descriptorsLow, low);
    await put(handle, REG.descriptorsHigh, high);
    await put(handle, REG.queueReady, 1);
    assertStringIncludes(disk.problem!, why);
    await put(handle, REG.status, 0);
  }
  // Outside of memory: found when it is used.
  await bringUp(vm, handle, 1);
  vm.memory.write(QUEUE + 16 * SIZE + 2, Uint8Array.of(9, 0));
  await put(handle, REG.queueNotify, 0);
  assertStringIncludes(disk.problem!, "went from 0 to 9");
});

Deno.test("accesses that are no registers do nothing", async () => {
  const { io } = machine(CELLS[0], virtioBlock({ image: new Uint8Array(512) }));
  const handle = await io.open("virtio-blk", { via: "mmio" });
  await handle.write(REG.status, 1, 3);
  await handle.write(REG.status, 8, 3n);
  assertEquals([await handle.read(REG.status, 4), await handle.read(REG.magic, 1)], [0n, 0n]);
  await put(handle, REG.queueSelect, 7);
  await put(handle, REG.queueReady, 1);
  await put(handle, REG.queueNotify, 9);
  assertEquals([await get(handle, REG.queueSizeMax), await get(handle, 0xb0)], [0, 0xffff_ffff]);
  assertEquals(await handle.read(REG.config, 8), 1n);
});

for (const cell of [CELLS[0], CELLS[4], CELLS[7]]) {
  Deno.test(`${cell.name}: a console by virtio-mmio, both ways, with its interrupt line`, async () => {
    const sent: Uint8Array[] = [];
    const console: Console = new VirtioConsole({ transmit: (bytes) => void sent.push(bytes), irq: 6 });
    const { vm, io } = machine({ ...cell, options: { ...cell.options, interrupts: true } }, console);
    const handle = await io.open("virtio-console", { via: "mmio" });
    const [receive, transmit] = await bringUp(vm, handle, 2);
    transmit.submit([Uint8Array.of(1, 2), Uint8Array.of(3)], 0);
    await put(handle, REG.queueNotify, 1);
    assertEquals([sent, transmit.collect()?.bytes], [[Uint8Array.of(1, 2, 3)], new Uint8Array(0)]);
    await put(handle, REG.interruptAck, 3);
    console.feed(Uint8Array.of(1, 2, 3, 4, 5));
    receive.submit([], 4);
    await put(handle, REG.queueNotify, 0);
    assertEquals(receive.collect()?.bytes, Uint8Array.of(1, 2, 3, 4));
    receive.submit([], 4);
    await put(handle, REG.queueNotify, 0);
    assertEquals(receive.collect()?.bytes, Uint8Array.of(5));
    receive.submit([], 4);
    await put(handle, REG.queueNotify, 0);
    assertEquals(receive.collect(), undefined);
    await put(handle, REG.interruptAck, 3);
    console.feed(Uint8Array.of(6));
    assertEquals([receive.collect()?.bytes, await get(handle, REG.interruptStatus)], [Uint8Array.of(6), 1]);
  });
}

Deno.test("two vCPUs race, one kicking, one writing anything into the queue: a device error at worst", async () => {
  let broken = 0;
  for (const cell of [CELLS[0], CELLS[4]]) {
    for (let seed = 1; seed <= 10; seed++) {
      const disk = virtioBlock({ image: new Uint8Array(4096) });
      const { vm, io } = machine({ ...cell, options: { ...cell.options, vcpus: 2, turn: 100 } }, disk);
      const handle = await io.open("virtio-blk", { via: "mmio" });
      const [driver] = await bringUp(
        vm,
        handle,
        1,
        seed % 2 === 0 ? FEATURE.indirect | FEATURE.eventIdx : 0n,
      );
      for (let i = 0; i < 3; i++) driver.submit([header(i % 2, BigInt(i))], 513);
      const notify = vm.devices.get("virtio-blk")!.window.gpa + REG.queueNotify;
      // Rings' bytes are below 0x140; each write is a word of a random generator at a random word.
      const [kicker, writer] = vm.arch === "x86"
        ? [
          `mov edi, ${notify}\nmov eax, 0\nagain: mov [rdi], eax\njmp again`,
          `mov ebx, ${
            seed * 7919
          }\nagain: imul ebx, ebx, 1664525\nadd ebx, 1013904223\nmov ecx, ebx\nshr ecx, 20\n` +
          `and ecx, 0x13c\nmov edx, ebx\nshr edx, 9\nand edx, 0x70007\nmov [rcx+${QUEUE}], edx\njmp again`,
        ]
        : [
          `lis r3, ${notify >>> 16}\nori r3, r3, ${
            notify & 0xffff
          }\nli r4, 0\nagain: stwbrx r4, 0, r3\nb again`,
          `li r5, ${seed * 1009}\nlis r6, 25\nori r6, r6, 26125\nlis r9, ${
            QUEUE >>> 16
          }\nlis r10, 7\nori r10, r10, 7\n` +
          `again: mullw r5, r5, r6\naddi r5, r5, 12345\nsrwi r7, r5, 20\nandi. r7, r7, 0x13c\nsrwi r8, r5, 9\n` +
          `and r8, r8, r10\nstwx r8, r9, r7\nb again`,
        ];
      vm.load(vm.assemble(kicker, 0x2000n));
      vm.memory.write(0x3000, vm.assemble(writer, 0x3000n).bytes);
      vm.vcpu.pc = 0x2000n;
      vm.vcpus[1].start(0x3000n);
      assertEquals((await vm.run({ instructions: 20_000 })).reason, "BUDGET", `${cell.name} ${seed}`);
      if (disk.problem !== undefined) broken++;
    }
  }
  assert(broken > 10, `${broken} of 20 were broken`);
});
