/** Register accesses of a device, on every cell and by every vehicle. */
import { assertEquals, assertRejects } from "@std/assert";
import { CELLS, opened, VIAS } from "./cells.ts";
import { recorder } from "./recorder.ts";

const VALUES = { 1: 0xa1n, 2: 0xa1b2n, 4: 0xa1b2_c3d4n, 8: 0xa1b2_c3d4_e5f6_0718n } as const;
const SIZES = [1, 2, 4, 8] as const;

for (const cell of CELLS) {
  for (const via of VIAS) {
    Deno.test(`read() and write() on ${cell.name} via ${via} move the value, whatever the guest's byte order`, async () => {
      const { device, asked } = recorder(undefined, (offset, size) => {
        const value = VALUES[8] >> BigInt(8 * (offset % 8));
        return size === 8 ? value : Number(BigInt.asUintN(8 * size, value));
      });
      const { vm, handle } = await opened(cell, device, via);
      const whole = via === "hypercall" || (via === "mmio" && cell.options.mode === 64);
      for (const size of SIZES) {
        vm.exits.reset();
        await handle.write(8, size, VALUES[size]);
        const halves = size === 8 && !whole;
        assertEquals(vm.exits.count, halves ? 2 : 1);
        assertEquals(
          asked.splice(0),
          halves
            ? [
              { verb: "write", at: [8, 4], data: 0xe5f6_0718 },
              { verb: "write", at: [12, 4], data: 0xa1b2_c3d4 },
            ]
            : [{ verb: "write", at: [8, size], data: size === 8 ? VALUES[8] : Number(VALUES[size]) }],
        );
        assertEquals(await handle.read(8, size), BigInt.asUintN(8 * size, VALUES[8]));
        assertEquals(vm.exits.count, halves ? 4 : 2);
        asked.splice(0);
      }
      assertEquals(handle.why.some((line) => /two exits/.test(line)), !whole);
    });
  }
}

Deno.test("read() and write() refuse what is no register", async () => {
  const { device } = recorder();
  const { handle } = await opened(CELLS[0], device, "mmio");
  await assertRejects(() => handle.read(13, 4), RangeError, "16 bytes of registers");
  await assertRejects(() => handle.read(0, 3), RangeError, "1, 2, 4 or 8");
  await assertRejects(() => handle.read(-1, 1), RangeError);
  await assertRejects(() => handle.write(0, 1, 256), RangeError, "does not fit in 1 bytes");
  await handle.write(0, 1, -1);
  await handle.write(0, 1, 255);
});

Deno.test("a device without read() and write() reads as ones and drops stores, by every vehicle", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      const { handle } = await opened(cell, { name: "dut", call: () => 1 }, via);
      assertEquals(await handle.read(0, 4), 0xffff_ffffn);
      assertEquals(await handle.read(0, 8), 0xffff_ffff_ffff_ffffn);
      await handle.write(0, 4, 1);
    }
  }
});

Deno.test("a device that answers a load with nonsense rejects the read, by every vehicle", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const nonsense of [undefined, 1.5, "7"]) {
        const { device } = recorder(undefined, () => nonsense as number);
        const { handle } = await opened(cell, device, via);
        await assertRejects(() => handle.read(0, 4), Error, "whole number or a bigint");
      }
    }
  }
});
