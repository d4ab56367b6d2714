/** Calls on every cell, by every vehicle, in every data mode. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { CELLS, DATA, opened, pattern, VIAS } from "./cells.ts";
import { recorder } from "./recorder.ts";

for (const cell of CELLS) {
  for (const via of VIAS) {
    for (const data of DATA) {
      Deno.test(`call() on ${cell.name} via ${via}, ${data}: the device sees the bytes, the caller the reply`, async () => {
        const { device, asked } = recorder((fn, bytes) => Uint8Array.of(fn & 0xff, ...bytes.toReversed()));
        const { vm, handle } = await opened(cell, device, via, data);
        for (const length of [0, 1, 3, 4, 7, 8, 9, 16, 17, 24, 63, 64, 300]) {
          const bytes = pattern(length);
          const reply = await handle.call(0x8000_0001, bytes);
          assertEquals([...reply], [1, ...bytes.toReversed()], `${length} bytes`);
          assertEquals(asked.splice(0), [{ verb: "call", at: [0x8000_0001], data: [...bytes] }]);
        }
        // Figures come from traps of guest code.
        const stubs = vm.memory.slots.find((slot) => slot.name === "transport stubs")!;
        const base = vm.mode === 16 ? 0 : stubs.gpa;
        assert(vm.exits.rows.length > 0);
        for (const row of vm.exits.rows) {
          assert(row.pc >= BigInt(base) && row.pc < BigInt(base + 0x8000), `pc 0x${row.pc.toString(16)}`);
        }
        assertEquals(vm.exits.rows.length, vm.exits.totals().count);
      });
    }
  }
}

Deno.test("call() sends a number as the same 8 bytes on every cell and vehicle", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const data of DATA) {
        const { device, asked } = recorder(() => 0x1122_3344_5566_7788n);
        const { handle } = await opened(cell, device, via, data);
        const reply = await handle.call(2, 0x0102_0304_0506_0708n);
        assertEquals(
          asked,
          [{ verb: "call", at: [2], data: [8, 7, 6, 5, 4, 3, 2, 1] }],
          `${cell.name} ${via}`,
        );
        assertEquals([...reply], [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11], `${cell.name} ${via}`);
        await handle.call(3, -2);
        assertEquals(asked[1].data, [0xfe, 255, 255, 255, 255, 255, 255, 255]);
      }
    }
  }
});

Deno.test("call() carries replies of any size, asking the handler once", async () => {
  const sizes = [0, 1, 8, 25, 1000, 0x3000 - 1, 0x3000, 0x3001, 0x6001, 100 * 1024];
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const data of DATA) {
        let calls = 0;
        const { device } = recorder((fn) => {
          calls++;
          return pattern(sizes[fn]);
        });
        const { handle } = await opened(cell, device, via, data);
        for (const [fn, size] of sizes.entries()) {
          if (data === "words" && size > 0x3001) continue;
          const reply = await handle.call(fn);
          assertEquals(reply.length, size);
          assert(
            reply.every((byte, i) => byte === ((i * 31 + (i >> 8) * 7 + 5) & 0xff)),
            `${cell.name} ${via} ${size}`,
          );
        }
        assertEquals(calls, data === "words" ? sizes.length - 2 : sizes.length);
      }
    }
  }
});

Deno.test("call() carries payloads larger than its buffers", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      for (const data of DATA) {
        const { device } = recorder((_fn, bytes) => bytes.length);
        const { handle } = await opened(cell, device, via, data);
        for (const size of data === "words" ? [0x3001, 0x6004] : [0x3001, 200_000]) {
          const reply = await handle.call(1, pattern(size));
          assertEquals(
            new DataView(reply.buffer, reply.byteOffset).getUint32(0, true),
            size,
            `${cell.name} ${via}`,
          );
        }
      }
    }
  }
});

Deno.test("call() refuses what it cannot carry before anything runs", async () => {
  const { device } = recorder();
  const { vm, handle } = await opened(CELLS[0], device, "pio");
  await assertRejects(() => handle.call(1, new Uint8Array(16 * 1024 * 1024 + 1)), RangeError, "16 MiB");
  await assertRejects(() => handle.call(1, 1, { reply: 2 ** 31 }), RangeError, "reply buffer is 2147483648");
  await assertRejects(() => handle.call(-1), RangeError, "32 bits");
  await assertRejects(() => handle.call(2 ** 32), RangeError, "32 bits");
  await assertRejects(() => handle.call(1, 1.5), TypeError, "1.5");
  await assertRejects(() => handle.call(1, "x" as unknown as number), TypeError, "string");
  assertEquals(vm.exits.count, 0);
  const { handle: words } = await opened(CELLS[0], recorder().device, "hypercall", "words");
  await assertRejects(() => words.call(1, new Uint8Array(0x1_0000)), RangeError, "at most 65535");
});

Deno.test("call() carries 16 MiB each way by descriptor", async () => {
  const { device } = recorder();
  const { handle } = await opened(CELLS.at(-1)!, device, "mmio");
  device.call = (_fn, bytes) => bytes;
  const bytes = new Uint8Array(16 * 1024 * 1024).fill(0x5a);
  const reply = await handle.call(1, bytes, { reply: bytes.length });
  assertEquals(reply.length, bytes.length);
  assert(reply.every((byte) => byte === 0x5a));
});

/** Exits of one call with an 8-byte reply, by bytes of payload and data mode. */
const EXITS: readonly (readonly [string, string, number, "words" | "descriptor", number])[] = [
  // pio: FN, LENGTH, payload words of 4, RESULT, reply words of 4.
  ["x86-64 vmx", "pio", 8, "words", 2 + 2 + 1 + 2],
  ["x86-64 vmx", "pio", 64, "words", 2 + 16 + 1 + 2],
  ["x86-64 vmx", "pio", 64, "descriptor", 1],
  // mmio: FN and LENGTH in one store, words of 8.
  ["x86-64 svm", "mmio", 8, "words", 1 + 1 + 1 + 1],
  ["x86-64 svm", "mmio", 64, "words", 1 + 8 + 1 + 1],
  ["x86-64 svm", "mmio", 64, "descriptor", 1],
  ["x86-32 vmx", "mmio", 8, "words", 2 + 2 + 1 + 2],
  ["ppc64 kvm-hv", "mmio", 64, "words", 1 + 8 + 1 + 1],
  ["ppc64 kvm-hv", "pio", 64, "words", 2 + 16 + 1 + 2],
  ["ppc32 kvm-pr", "mmio", 64, "words", 2 + 16 + 1 + 2],
  ["ppc32 kvm-pr", "mmio", 64, "descriptor", 1],
  // hypercall: what fits in the argument registers, then SEND.
  ["x86-64 vmx", "hypercall", 8, "words", 1],
  ["x86-64 vmx", "hypercall", 16, "words", 1],
  ["x86-64 vmx", "hypercall", 64, "words", 1 + 2],
  ["x86-64 svm", "hypercall", 64, "descriptor", 1],
  ["ppc64 kvm-hv", "hypercall", 48, "words", 1],
  ["ppc64 kvm-hv", "hypercall", 64, "words", 1 + 1],
  ["ppc32 kvm-pr", "hypercall", 24, "words", 1],
];

for (const [name, via, size, data, exits] of EXITS) {
  Deno.test(`a call of ${size} bytes on ${name} via ${via}, ${data}, makes ${exits} exits`, async () => {
    const cell = CELLS.find((cell) => cell.name === name)!;
    const { device } = recorder(() => 1);
    const { vm, handle } = await opened(cell, device, via as "pio", data);
    await handle.call(1, pattern(size));
    assertEquals(vm.exits.count, exits);
  });
}

Deno.test("a reply longer than was made ready for costs one exit more, and the handler is called once", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      const { device, asked } = recorder();
      const { vm, handle } = await opened(cell, device, via, "descriptor");
      for (const reply of [0, 1, 99, 100]) {
        vm.exits.reset();
        assertEquals(await handle.call(1, pattern(100), { reply }), pattern(100));
        assertEquals(vm.exits.count, reply < 100 ? 2 : 1);
        assertEquals(asked.splice(0).length, 1);
      }
    }
  }
});

Deno.test("a device that the kernel half completes is charged so, by every vehicle", async () => {
  for (const cell of CELLS) {
    for (const via of VIAS) {
      const { device } = recorder();
      const { vm, handle } = await opened(cell, { ...device, handledIn: "kernel" }, via);
      await handle.call(1, 5);
      await handle.read(0, 4);
      assertEquals([...new Set(vm.exits.rows.map((row) => row.handledIn))], ["kernel"]);
    }
  }
});

Deno.test("rows name the stub that they came from", async () => {
  const { vm, handle } = await opened(CELLS[0], recorder().device, "pio");
  await handle.write(0, 4, 1);
  await handle.call(1, pattern(100));
  assertEquals(vm.exits.rows[0].symbol, "io.pio_write32");
  assertEquals(vm.exits.rows[1].symbol?.startsWith("io.pio_descriptor+0x"), true);
});
