/**
 * The driver's guest code against a driver in TypeScript: the same ring to the byte, the same kicks and answers.
 * `TRAPSH_CASES` makes a longer run.
 */
import { assertEquals } from "@std/assert";
import { createVm } from "../../../emulator/machine/vm.ts";
import { GuestDriver } from "../../../transports/rings/guest_driver.ts";
import { IoqDevice } from "../../../transports/rings/ioq_device.ts";
import type { RingOptions } from "../../../transports/rings/ring.ts";
import { checkedOptions } from "../../../transports/rings/ring_options.ts";
import { makeRing, type RingPlace, ringPlace } from "../../../transports/rings/ring_place.ts";
import type { DeviceRing, DriverRing } from "../../../transports/rings/ring_sides.ts";
import { VirtqueueDevice } from "../../../transports/rings/virtqueue_device.ts";
import { StubRunner } from "../../../transports/stub_runner.ts";
import { Random } from "../../support/random.ts";
import { CELLS, pattern } from "../cells.ts";
import { IoqDriver } from "./reference/ioq_driver.ts";
import { VirtqueueDriver } from "../../../transports/virtio/virtqueue_driver.ts";

const LAYOUTS: readonly RingOptions[] = [
  { kind: "ioq" },
  { kind: "virtqueue", eventIdx: false },
  { kind: "virtqueue", eventIdx: true },
  { kind: "virtqueue", eventIdx: true, indirect: true },
];
const GPA = 0xf200_0000, PORT = 0x500, STEPS = Math.max(120, Number(Deno.env.get("TRAPSH_CASES") ?? 0));

/** Both sides on memory of their own. */
function sides(
  place: RingPlace,
  vm: ReturnType<typeof createVm>,
): { driver: DriverRing; device: DeviceRing } {
  const { virtqueue, buffers } = place;
  return virtqueue
    ? {
      driver: new VirtqueueDriver(vm.memory, virtqueue, buffers),
      device: new VirtqueueDevice(vm.memory, virtqueue),
    }
    : { driver: new IoqDriver(vm.memory, GPA, buffers), device: new IoqDevice(vm.memory, GPA) };
}

for (const cell of CELLS) {
  for (const layout of LAYOUTS) {
    const name = `${layout.kind}${layout.eventIdx ? ", event index" : ""}${
      layout.indirect ? ", indirect" : ""
    }`;
    Deno.test(`${cell.name}: guest code and TypeScript drive one ring alike: ${name}`, async () => {
      const random = new Random(LAYOUTS.indexOf(layout) + 17);
      for (const poll of [true, false]) {
        const options = checkedOptions({ ...layout, entries: 5, bytes: 128, poll });
        const [guest, plain] = [0, 1].map(() => {
          const vm = createVm({ memory: 0x10_0000, ...cell.options });
          const place = ringPlace(GPA, vm.mode, options);
          vm.memory.addSlot({ name: "ring", gpa: GPA, size: place.size });
          makeRing(vm, place, options);
          return { vm, place, ...sides(place, vm) };
        });
        const { vm, place } = guest;
        let rung = 0;
        // A port, or an address that both architectures reach.
        const on = vm.arch === "x86" ? vm.ports : vm.mmio, at = vm.arch === "x86" ? PORT : 0x7eb0_0000;
        on.add({ base: at, size: 4, name: "bell" }, { read: () => 0, write: () => void rung++ });
        const target = new Uint8Array(4);
        new DataView(target.buffer).setUint32(0, at, vm.isa.order === "le");
        vm.memory.write(place.driver.block + 0x38, target);
        const code = new GuestDriver(new StubRunner(vm), place, options, () => ({
          name: "test",
          load: (code) => code.get("d", "block", 0x38),
          trap: vm.arch === "x86" ? "  out dx, eax\n" : "  stwbrx r5, 0, r8\n",
          registers: {},
        }));
        plain.driver.wantInterrupts(!poll);
        const numbers = new Map<number, number>();
        /** The ring itself, without what either driver remembers, and the requests. */
        const same = () => {
          const read = (side: typeof guest) => {
            const { block } = side.place.driver, bytes = side.vm.memory.read(GPA, block - GPA);
            const { virtqueue } = side.place;
            // What follows a chain's last descriptor means nothing, and the drivers' tables are elsewhere.
            if (virtqueue) bytes.fill(0, 0, 16 * virtqueue.size);
            // Nobody reads an IOQ's cookies but the driver.
            else for (let i = 0; i < 5; i++) bytes.fill(0, 56 + 32 * i, 64 + 32 * i);
            return bytes;
          };
          assertEquals(read(guest), read(plain));
        };
        for (let step = 0, sent = 0, taken = 0; step < STEPS; step++) {
          const what = `step ${step}`;
          switch (random.below(4)) {
            case 0:
            case 1: {
              // A queue's descriptors are more than the requests that a ring lets be under way.
              if (options.kind === "virtqueue" && sent - taken === options.entries) break;
              const bytes = pattern(1 + random.below(30)), cut = random.below(bytes.length);
              const parts = random.below(2) === 0 || options.kind === "ioq"
                ? [bytes]
                : [bytes.subarray(0, cut), bytes.subarray(cut)];
              const capacity = random.below(30), id = plain.driver.submit(parts, capacity);
              assertEquals(await code.push(what, sent, parts, capacity), id !== undefined, what);
              if (id !== undefined) numbers.set(id, sent++);
              break;
            }
            case 2: {
              const before = rung, rang = await code.kick(what);
              assertEquals([rang, rung - before], [plain.driver.wantsKick(), Number(rang)], what);
              break;
            }
            case 3: {
              // The device takes some, answers in its order, and may look away.
              for (let most = random.below(6); most > 0; most--) {
                const [one, other] = [guest, plain].map(({ device }) => device.take());
                assertEquals(one?.bytes, other?.bytes);
                if (one === undefined || other === undefined) break;
                const reply = one.bytes.slice(0, one.capacity).reverse();
                guest.device.complete(one, reply);
                plain.device.complete(other, reply);
              }
              const wants = random.below(3) > 0;
              assertEquals(guest.device.wantKicks(wants), plain.device.wantKicks(wants));
              assertEquals(guest.device.wantsInterrupt(), plain.device.wantsInterrupt());
              if (random.below(2) === 0) break;
              const expected = [];
              for (let one = plain.driver.collect(); one; one = plain.driver.collect()) expected.push(one);
              if (!poll) plain.driver.wantInterrupts(true);
              taken += expected.length;
              assertEquals(
                await code.take(what, !poll),
                expected.map(({ id, bytes }) => ({ number: numbers.get(id), bytes })),
                what,
              );
            }
          }
          same();
        }
      }
    });
  }
}
