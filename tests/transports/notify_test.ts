/** Doorbells of devices with queues of their own: one exit by any vehicle, and what becomes of wrong ones. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../emulator/machine/device.ts";
import { echoDevice } from "../../emulator/machine/devices/echo.ts";
import type { VehicleName } from "../../transports/io.ts";
import { CELLS, machine, opened, pattern, VIAS } from "./cells.ts";

function bell(): { device: Device; rung: number[] } {
  const rung: number[] = [];
  return {
    device: { name: "bell", notify: (queue) => void rung.push(queue), call: (_fn, data) => data },
    rung,
  };
}

for (const cell of CELLS) {
  for (const via of VIAS) {
    Deno.test(`${cell.name}: notify by ${via} is one exit with the queue's number`, async () => {
      const { device, rung } = bell(), { vm, handle } = await opened(cell, device, via);
      for (const queue of [0, 1, 0x1_0000, 0xffff_ffff]) {
        const before = vm.exits.count;
        await handle.notify(queue);
        assertEquals(vm.exits.count - before, 1);
      }
      assertEquals(rung, [0, 1, 0x1_0000, 0xffff_ffff]);
    });
  }
}

Deno.test("a doorbell in the middle of a call leaves it as it is", async () => {
  const { device, rung } = bell(), { vm, io } = machine(CELLS[0], device);
  const { gpa } = vm.devices.get("bell")!.callWindow;
  // FN and LENGTH in one store, half of the payload, NOTIFY, the other half.
  await io.guest.store(gpa, 8, 1n | 8n << 32n);
  await io.guest.store(gpa + 8, 4, 0x0403_0201);
  await io.guest.store(gpa + 0x14, 4, 5);
  await io.guest.store(gpa + 8, 4, 0x0807_0605);
  assertEquals(await io.guest.load(gpa + 0x10, 4), 8n);
  assertEquals(await io.guest.load(gpa + 8, 8), 0x0807_0605_0403_0201n);
  assertEquals(rung, [5]);
  // Other widths are no doorbell.
  for (const size of [1, 2]) await io.guest.store(gpa + 0x14, size, 6);
  assertEquals(rung, [5]);
});

Deno.test("a device without notify(), no such device, and numbers that are none", async () => {
  const { vm, io, handle } = await opened(CELLS[0], echoDevice(), "pio");
  await assertRejects(
    () => handle.notify(0),
    Error,
    'notify(0) of device "echo" by pio: the device has no notify()',
  );
  for (const queue of [-1, 0.5, 2 ** 32, NaN]) {
    await assertRejects(() => handle.notify(queue), RangeError, "32 bits");
  }
  const { first, step } = io.functions[0].hypercall!, notify = first + 11 * step;
  const status = async (...args: number[]) =>
    BigInt.asIntN(64, (await io.guest.hypercall(notify, args)).status);
  // KVM's: -ENOSYS is -1000, -ENODEV -19.
  assertEquals([await status(1, 0), await status(99, 0)], [-1000n, -19n]);
  vm.devices.remove("echo");
  await assertRejects(() => handle.notify(0), Error, "no longer attached");
});

for (const via of VIAS as VehicleName[]) {
  Deno.test(`a doorbell by ${via} waits for its handler, and says whose it was if that fails`, async () => {
    let done = 0;
    const late: Device = {
      name: "late",
      async notify(queue) {
        await Promise.resolve();
        if (queue === 13) throw new Error("no such luck");
        done++;
      },
    };
    const { handle } = await opened(CELLS[0], late, via);
    await handle.notify(1);
    assertEquals(done, 1);
    await assertRejects(() => handle.notify(13), Error, "no such luck");
    await handle.notify(2);
    assertEquals(done, 2);
  });
}

Deno.test("calls and doorbells go on beside each other", async () => {
  const { device, rung } = bell(), { handle } = await opened(CELLS[2], device, "mmio");
  assertEquals(await handle.call(1, pattern(100)), pattern(100));
  await handle.notify(3);
  assertEquals(await handle.call(1, pattern(7)), pattern(7));
  assertEquals(rung, [3]);
});
