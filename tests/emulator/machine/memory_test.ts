/** Memory slots, and the host's way into them. */
import { assertEquals, assertThrows } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";

Deno.test("addSlot() refuses what is no slot", () => {
  const { memory } = createVm({ arch: "x86", memory: 0x2000 });
  const wrong: [gpa: number, size: number, message: string][] = [
    [0x1000, 0x1000, "memory slot x 0x1000-0x1fff overlaps slot ram 0x0-0x1fff"],
    [0x2800, 0x1000, "is not aligned: address and size are multiples of 0x1000"],
    [0x3000, 0x800, "is not aligned"],
    [0x3000, 0, "below 2^52"],
    [-0x1000, 0x1000, "below 2^52"],
    [2 ** 52, 0x1000, "below 2^52"],
    [2 ** 52 - 0x1000, 0x2000, "below 2^52"],
    [NaN, 0x1000, "below 2^52"],
    [0x10_0000, 2 ** 33, "a VM's memory ends at 4 GiB"],
  ];
  for (const [gpa, size, message] of wrong) {
    assertThrows(() => memory.addSlot({ name: "x", gpa, size }), RangeError, message);
  }
  assertEquals(memory.slots.length, 1);
  assertEquals(memory.removeSlot("x"), false);
});

Deno.test("read() and write() cross from slot to slot, and say where there is no memory", () => {
  const { memory } = createVm({ arch: "x86", memory: 0x2000 });
  memory.addSlot({ name: "more", gpa: 0x2000, size: 0x1000 });
  memory.write(0x1ffe, Uint8Array.of(1, 2, 3, 4));
  assertEquals([...memory.read(0x1ffen, 4)], [1, 2, 3, 4]);
  assertThrows(
    () => memory.read(0x2fff, 2),
    RangeError,
    "cannot read 2 bytes at guest-physical 0x2fff: memory is ram 0x0-0x1fff, more 0x2000-0x2fff",
  );
  assertThrows(
    () => memory.write(0x2ffe, new Uint8Array(3)),
    RangeError,
    "cannot write 3 bytes at guest-physical 0x2ffe",
  );
  assertEquals([...memory.read(0x2ffe, 2)], [0, 0]);
  for (const gpa of [-1, 2n ** 64n - 1n, 2 ** 53, NaN, 0.5, -1n]) {
    assertThrows(() => memory.read(gpa, 1), RangeError);
    assertThrows(() => memory.write(gpa, new Uint8Array(1)), RangeError);
  }
  for (const length of [-1, 2 ** 31, NaN, Infinity]) assertThrows(() => memory.read(0, length), RangeError);
  assertEquals(memory.read(0x1fff, 0), new Uint8Array());
});

Deno.test("read() gives a copy", () => {
  const { memory } = createVm({ arch: "x86", memory: 0x2000 });
  const copy = memory.read(0, 4);
  copy[0] = 9;
  memory.addSlot({ name: "grow", gpa: 0x10_0000, size: 0x40_0000 });
  memory.write(0, Uint8Array.of(5));
  assertEquals([copy[0], memory.read(0, 1)[0]], [9, 5]);
});

Deno.test("room of removed slots is used again, zeroed", () => {
  const { memory } = createVm({ arch: "x86", memory: 0x2000 });
  for (let round = 0; round < 200; round++) {
    memory.addSlot({ name: "s", gpa: 0x1000_0000, size: 0x100_0000 });
    assertEquals(memory.read(0x1000_0000 + 0xff_fffc, 4), new Uint8Array(4));
    memory.write(0x1000_0000 + 0xff_fffc, Uint8Array.of(1, 2, 3, 4));
    memory.removeSlot("s");
  }
});

Deno.test("createVm() refuses memory that is no RAM", () => {
  for (const memory of [0, -4096, 100, 1.5, NaN, 2 ** 32, 2 ** 40]) {
    assertThrows(() => createVm({ arch: "x86", memory }), RangeError, "give a multiple of 4096");
  }
});

Deno.test("real mode has a hole where adapters go", () => {
  const { memory } = createVm({ arch: "x86", mode: 16, memory: 0x20_0000 });
  assertEquals(memory.slots.map(({ gpa, size }) => [gpa, size]), [[0, 0xa_0000], [0x10_0000, 0x10_0000]]);
});
