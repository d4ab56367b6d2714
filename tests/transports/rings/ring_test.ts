/** Rings as drivers use them, on every machine and by every vehicle. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Device } from "../../../emulator/machine/device.ts";
import type { RingOptions } from "../../../transports/io.ts";
import { CELLS, machine, pattern, VIAS } from "../cells.ts";

const KINDS: readonly RingOptions[] = [
  { kind: "ioq" },
  { kind: "virtqueue", eventIdx: false },
  { kind: "virtqueue" },
  { kind: "virtqueue", indirect: true },
];

/** Answers a request with its bytes backwards, a call with its function number before them. */
function turner(more: Partial<Device> = {}): Device & { requests: number } {
  return {
    name: "turner",
    requests: 0,
    queue(bytes) {
      this.requests++;
      return bytes.slice().reverse();
    },
    call(fn, bytes) {
      return Uint8Array.of(fn, ...bytes);
    },
    ...more,
  };
}

for (const cell of CELLS) {
  Deno.test(`${cell.name}: rings of every kind answer by every vehicle, and each kick is one exit`, async () => {
    const { vm, io } = machine(cell, turner());
    for (const via of VIAS) {
      const handle = await io.open("turner", { via });
      for (const doorbell of ["userspace", "kernel", "fast"] as const) {
        for (const kind of KINDS) {
          vm.exits.reset();
          const ring = await handle.ring({ ...kind, entries: 16, batch: 4, doorbell });
          const sent = Array.from({ length: 10 }, (_, i) => pattern(5 + i));
          const ids: number[] = [];
          for (const bytes of sent) ids.push(await ring.submit([bytes.subarray(0, 2), bytes.subarray(2)]));
          const answers = await ring.flush();
          assertEquals(answers.map(({ bytes }) => bytes), sent.map((bytes) => bytes.slice().reverse()));
          assertEquals([answers.map(({ id }) => id), ids], [sent.map((_, i) => i), sent.map((_, i) => i)]);
          const { kicks, submitted, completed, suppressedKicks } = ring.stats;
          assertEquals([kicks, submitted, completed, suppressedKicks], [3, 10, 10, 0], via);
          assertEquals(await ring.call(9, Uint8Array.of(1, 2)), Uint8Array.of(9, 1, 2));
          assertEquals(vm.exits.count, 4);
          // By MMIO the first touch of a page is the slow way.
          const where = doorbell === "userspace" ? ["userspace"] : ["kernel", "kernel-fast"];
          assert(vm.exits.rows.every((row) => where.includes(row.handledIn)), `${via} ${doorbell}`);
          ring.close();
          await assertRejects(() => ring.submit(pattern(1)), Error, "closed");
          assertEquals(await handle.call(3), Uint8Array.of(3));
        }
      }
    }
  });
}

/** The machines that have an interrupt controller's way into a stub. */
for (const cell of CELLS) {
  Deno.test(`${cell.name}: completion by interrupt costs its end, and waiting halts the guest`, async () => {
    const { vm, io } = machine({ ...cell, options: { ...cell.options, interrupts: true } }, turner());
    const before = vm.memory.read(0x500, 64);
    for (const via of VIAS) {
      const handle = await io.open("turner", { via });
      for (const kind of [KINDS[0], KINDS[2]]) {
        for (const doorbell of ["userspace", "kernel"] as const) {
          const ring = await handle.ring({ ...kind, entries: 8, poll: false, doorbell });
          for (let i = 1; i <= 3; i++) {
            vm.exits.reset();
            const where = `${via} ${kind.kind} ${doorbell} ${i}`;
            assertEquals(await ring.call(i, Uint8Array.of(1)), Uint8Array.of(i, 1), where);
            assertEquals([ring.stats.kicks, ring.stats.interrupts], [i, i], where);
            const ends = vm.exits.rows.filter(({ key, native }) =>
              vm.arch === "x86" ? native.name !== "HLT" && key === 0x20 : key === 0xfec0_00b0
            );
            assertEquals(ends.length, 1, `${where}: ${vm.exits.rows.map((row) => row.native.name)}`);
            const halts = vm.exits.rows.filter(({ native }) => native.name === "HLT").length;
            if (vm.arch === "x86") assertEquals(halts, doorbell === "kernel" ? 1 : 0, where);
          }
          assertEquals(vm.memory.read(0x500, 64), before);
          ring.close();
        }
      }
    }
  });
}

for (const cell of CELLS) {
  Deno.test(`${cell.name}: a doorbell whose trap was overwritten by no-ops fails, with interrupts too`, async () => {
    for (const via of VIAS) {
      for (const poll of [true, false]) {
        const { vm, io } = machine({ ...cell, options: { ...cell.options, interrupts: true } }, turner());
        const ring = await (await io.open("turner", { via })).ring({ entries: 8, poll, line: 12 });
        vm.exits.reset();
        await ring.call(1);
        const stubs = vm.memory.slots.find((slot) => slot.name === "transport stubs")!;
        const trap = vm.exits.rows.find(({ handledIn }) => handledIn === "userspace")!;
        const at = Number(trap.pc) + (vm.mode === 16 ? stubs.gpa : 0);
        const [line] = vm.disassemble(BigInt(at), 1);
        const nops = vm.arch === "x86"
          ? new Uint8Array(line.bytes.length).fill(0x90)
          : Uint8Array.of(...(vm.isa.order === "be" ? [0x60, 0, 0, 0] : [0, 0, 0, 0x60]));
        vm.memory.write(at, nops);
        await assertRejects(() => ring.call(1), Error, "the doorbell's stub ran to its end");
      }
    }
  });
}

Deno.test("interrupts are coalesced, and what is left is found by looking", async () => {
  for (const cell of [CELLS[0], CELLS[4]]) {
    const interrupts: number[] = [];
    for (const coalesce of [1, 4]) {
      const { vm, io } = machine({ ...cell, options: { ...cell.options, interrupts: true } }, turner());
      const ring = await (await io.open("turner")).ring({ entries: 16, poll: false, coalesce });
      vm.exits.reset();
      for (let i = 0; i < 10; i++) await ring.submit(pattern(4));
      assertEquals((await ring.flush()).length, 10);
      interrupts.push(ring.stats.interrupts);
      assertEquals(ring.stats.interrupts + ring.stats.suppressedInterrupts, 10);
    }
    // The driver looks once in 10 requests: it asked to be told of the first.
    assert(interrupts[1] <= interrupts[0] && interrupts[1] <= 2, String(interrupts));
  }
});

Deno.test("a busy device is kicked once by event index and shm_signal, each time by a virtqueue's flag", async () => {
  for (const poll of [true, false]) {
    for (const [i, kicks] of [[0, 1], [1, 6], [2, 1], [3, 1]]) {
      const { vm, io } = machine({ name: "", options: { ...CELLS[0].options, interrupts: true } }, turner());
      const ring = await (await io.open("turner")).ring({
        ...KINDS[i],
        entries: 8,
        poll,
        doorbell: "kernel",
        busy: true,
      });
      vm.exits.reset();
      for (let n = 0; n < 6; n++) await ring.submit(pattern(n));
      assertEquals((await ring.flush()).length, 6);
      const { kicks: rung, suppressedKicks, interrupts } = ring.stats;
      assertEquals([rung, suppressedKicks], [kicks, 6 - kicks], KINDS[i].kind);
      if (poll) assertEquals([vm.exits.count, interrupts], [kicks, 0]);
      else assertEquals(vm.exits.rows.filter(({ native }) => native.name === "HLT").length, 1);
    }
  }
});

Deno.test("a device that answers later has its answers in order", async () => {
  for (const kind of [KINDS[0], KINDS[2]]) {
    const { io } = machine(
      CELLS[0],
      turner({
        async queue(bytes) {
          await Promise.resolve();
          return bytes;
        },
      }),
    );
    const ring = await (await io.open("turner")).ring({ ...kind, entries: 8 });
    for (let i = 0; i < 5; i++) await ring.submit(pattern(i));
    assertEquals((await ring.flush()).map(({ bytes }) => bytes.length), [0, 1, 2, 3, 4]);
  }
});

Deno.test("a ring that is full waits for room; a call comes after all that was submitted before", async () => {
  const seen: number[] = [];
  const { io } = machine(
    CELLS[1],
    turner({
      queue(bytes) {
        seen.push(bytes[0]);
        return bytes;
      },
      call(fn) {
        seen.push(fn);
        return 0;
      },
    }),
  );
  const ring = await (await io.open("turner")).ring({ entries: 4, batch: 100 });
  for (let i = 0; i < 9; i++) await ring.submit(Uint8Array.of(i));
  assertEquals(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
  await ring.call(99);
  assertEquals(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 99]);
  assertEquals((await ring.collect()).map(({ bytes }) => bytes[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assertEquals([ring.stats.kicks, ring.stats.submitted], [3, 10]);
});

Deno.test("what a guest scribbles into a ring breaks it with the reason, and the machine goes on", async () => {
  for (const kind of KINDS) {
    const { vm, io } = machine(CELLS[5], turner());
    const handle = await io.open("turner");
    const ring = await handle.ring({ ...kind, entries: 8 });
    await ring.submit(pattern(3));
    vm.memory.write(ring.gpa, new Uint8Array(4096).fill(0xff));
    await assertRejects(async () => {
      await ring.submit(pattern(3));
      await ring.flush();
    });
    assertEquals(await handle.call(1), Uint8Array.of(1));
    const other = await handle.ring(kind);
    assertEquals(await other.call(2), Uint8Array.of(2));
  }
});

Deno.test("a device that fails, refuses or answers too much makes the call fail with its name", async () => {
  const { io } = machine(CELLS[0], {
    name: "bad",
    call(fn) {
      if (fn === 1) throw new Error("no such thing");
      return new Uint8Array(100);
    },
  });
  const handle = await io.open("bad");
  const ring = await handle.ring({ entries: 4 });
  await assertRejects(() => ring.call(1), Error, "no such thing");
  const other = await handle.ring({ entries: 4 });
  await assertRejects(() => other.call(2, pattern(3), { reply: 50 }), Error, "reply has 100 bytes");
  await other.submit(pattern(3));
  await assertRejects(() => other.flush(), Error, "ENOSYS");
});

Deno.test("a ring's options are checked", async () => {
  const { io } = machine(CELLS[0], turner(), { name: "plain", read: () => 0 });
  const handle = await io.open("turner");
  await assertRejects(() => handle.ring({ entries: 0 }), RangeError, "entries is 0");
  await assertRejects(() => handle.ring({ bytes: 2 ** 20 }), RangeError, "bytes is 1048576");
  await assertRejects(() => handle.ring({ kind: "x" as "ioq" }), RangeError, "ioq and virtqueue");
  await assertRejects(() => handle.ring({ poll: false }), Error, "interrupts: true");
  const plain = await io.open("plain");
  await assertRejects(() => plain.ring(), Error, "no queue() and no call()");
  const ring = await handle.ring({ bytes: 64 });
  await assertRejects(() => ring.submit(pattern(65)), RangeError, "made for 64 bytes");
  await assertRejects(() => ring.call(-1), RangeError, "32 bits");
  ring.close();
  await assertRejects(() => ring.collect(), Error, "closed");
});
