/** The port space as vectors: how many there are, and which claim the refusals meet. */
import { assertEquals, assertThrows } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";

const handler = { read: () => 0, write() {} };

Deno.test("take() gives 8,192 vectors of 8 bytes; the 8,193rd meets claim 3", () => {
  const { vectors, ports } = createVm({ arch: "x86" });
  const taken = Array.from({ length: 8192 }, (_, i) => vectors.take(`v${i}`, handler));
  assertEquals(taken.at(-1), { index: 8191, port: 0xfff8, name: "v8191" });
  assertEquals([ports.list.length, vectors.list.length, vectors.size], [8192, 8192, 8192]);
  const message = "65,536 ports are 8,192 vectors of 8 bytes, of which 8192 are taken (claim 3)";
  assertThrows(() => vectors.take("more", handler), RangeError, message);
  assertEquals(vectors.give(taken[5]), true);
  assertEquals(vectors.give(taken[5]), false);
  assertEquals(vectors.take("again", handler).port, 40);
});

Deno.test("take() works around devices, of which there is room for fewer vectors in practice", () => {
  const vm = createVm({ arch: "x86", interrupts: true });
  vm.devices.add({ name: "d", read: () => 0 }, { port: 4 });
  assertEquals(vm.vectors.take("v", handler).index, 2);
  assertThrows(() => vm.vectors.take("w", handler, 1), RangeError, "overlaps");
  let count = 1;
  const error = assertThrows(
    () => {
      for (;; count++) vm.vectors.take(`v${count}`, handler);
    },
    RangeError,
    "other ranges (claim 3)",
  );
  assertEquals(count < 8190, true, error.message);
  vm.devices.remove("d");
  assertEquals([0, 1].map((index) => vm.vectors.take(`late${index}`, handler).index), [0, 1]);
});

Deno.test("a vector or a device past port 0xffff meets claim 2, PowerPC's lack of ports claim 8", () => {
  const vm = createVm({ arch: "x86" });
  assertThrows(() => vm.vectors.take("v", handler, 8192), RangeError, "port 0x10000");
  assertThrows(() => vm.vectors.take("v", handler, 8192), RangeError, "(claim 2)");
  assertThrows(() => vm.vectors.take("v", handler, -1), RangeError, "(claim 2)");
  const device = { name: "d", read: () => 0 };
  assertThrows(
    () => vm.devices.add(device, { port: 0x1_0000 }),
    RangeError,
    "of d lies outside 0x0-0xffff: a port has 16 bits (claim 2)",
  );
  assertThrows(() => vm.devices.add(device, { port: 0xfff9 }), RangeError, "(claim 2)");
  const ppc = createVm({ arch: "ppc" });
  assertThrows(() => ppc.vectors.take("v", handler), RangeError, "(claim 8)");
  assertThrows(() => ppc.devices.add(device, { port: 0x80 }), RangeError, "(claim 8)");
  assertEquals(ppc.vectors.size, 0);
});
