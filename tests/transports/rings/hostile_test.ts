/**
 * Guests that write anything into their rings: the device stops serving such a ring and says why. No endless loop, no
 * error of the host's own. `TRAPSH_CASES` makes a longer run.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { IoqDevice } from "../../../transports/rings/ioq_device.ts";
import { IOQ } from "../../../transports/rings/ioq_layout.ts";
import { RingError } from "../../../transports/rings/ring_memory.ts";
import { RingService } from "../../../transports/rings/ring_service.ts";
import { VirtqueueDevice } from "../../../transports/rings/virtqueue_device.ts";
import { Random } from "../../support/random.ts";
import { fakeRam } from "../fake_ram.ts";
import { KINDS, placeOf } from "./kinds.ts";

const CASES = Math.max(2_000, Number(Deno.env.get("TRAPSH_CASES") ?? 0));
const RING = 0x1000;

for (const kind of KINDS) {
  Deno.test(`${kind.name}: random bytes in the ring break it or are served, and never more than it holds`, () => {
    const random = new Random(kind.name.length);
    let broken = 0, served = 0;
    for (let trial = 0; trial < CASES / 10; trial++) {
      const { ram, driver, device } = kind.make(8);
      let asked = 0;
      const service = new RingService(device, {
        serve({ bytes, capacity }) {
          asked++;
          return new Uint8Array(Math.min(capacity, 64)).fill(bytes[0] ?? random.u32());
        },
        interrupt() {},
      });
      for (let step = 0; step < 20 && !service.broken; step++) {
        try {
          driver.wantInterrupts(random.below(2) === 0);
          driver.submit([new Uint8Array(random.below(60)).fill(random.u32())], random.below(60));
        } catch {
          // Its own ring is no more what it was.
        }
        // A field, or many: near what would be right half of the time.
        for (let changes = random.below(4); changes > 0; changes--) {
          const at = RING + random.below(ram.bytes.length - RING - 8);
          const near = random.below(2) === 0;
          ram.bytes[at] = near ? ram.bytes[at] + random.below(3) - 1 : random.u32();
          if (random.below(4) === 0) ram.bytes[at + 1] = random.u32();
        }
        const before = asked;
        service.kick();
        assert(asked - before <= device.entries, "more requests than there is room for");
      }
      if (service.broken) broken++;
      served += asked;
    }
    assert(broken > 0 && served > 0, `${broken} broken, ${served} served`);
  });
}

/** A queue of 4 descriptors, one chain from descriptor 0 made available. */
function queue(
  descriptors: readonly (readonly [gpa: bigint, length: number, flags: number, next: number])[],
  { indirect = false, head = 0, index = 1 } = {},
) {
  const place = placeOf(4, false, indirect, RING), ram = fakeRam(0x4000);
  const view = new DataView(ram.bytes.buffer);
  descriptors.forEach(([gpa, length, flags, next], i) => {
    const at = i < 4 ? place.descriptors + 16 * i : 0x2000 + 16 * (i - 4);
    view.setBigUint64(at, gpa, true);
    view.setUint32(at + 8, length, true);
    view.setUint16(at + 12, flags, true);
    view.setUint16(at + 14, next, true);
  });
  view.setUint16(place.available + 2, index, true);
  view.setUint16(place.available + 4, head, true);
  return new VirtqueueDevice(ram, place);
}
const NEXT = 1, WRITE = 2, INDIRECT = 4;
const NONE: readonly [bigint, number, number, number] = [0n, 0, 0, 0];

const WRONG: readonly (readonly [string, () => VirtqueueDevice, string])[] = [
  [
    "a chain that leads back to its start",
    () => queue([[0x3000n, 1, NEXT, 1], [0x3000n, 1, NEXT, 0]]),
    "longer",
  ],
  ["a descriptor that follows itself", () => queue([[0x3000n, 1, NEXT, 0]]), "longer"],
  ["a next descriptor outside of the table", () => queue([[0x3000n, 1, NEXT, 4]]), "followed by 4"],
  ["a head outside of the table", () => queue([NONE], { head: 4 }), "descriptor 4 is available"],
  ["an index that runs ahead", () => queue([NONE], { index: 5 }), "went from 0 to 5"],
  ["a buffer past the end of memory", () => queue([[0x3fffn, 2, 0, 0]]), "not in guest memory"],
  [
    "a buffer that wraps around 2^64",
    () => queue([[(1n << 64n) - 1n, 2, 0, 0]]),
    "no guest-physical address",
  ],
  ["a length of 4 GiB", () => queue([[0x3000n, 0xffff_ffff, 0, 0]]), "more than 16777216 bytes"],
  [
    "a readable buffer after a writable one",
    () => queue([[0x3000n, 1, NEXT | WRITE, 1], [0x3000n, 1, 0, 0]]),
    "2.7.4.2",
  ],
  ["an indirect table that was not negotiated", () => queue([[0x2000n, 16, INDIRECT, 0]]), "not negotiated"],
  [
    "an indirect table in an indirect table",
    () =>
      queue([[0x2000n, 16, INDIRECT, 0], NONE, NONE, NONE, [0x2000n, 16, INDIRECT, 0]], { indirect: true }),
    "is in an indirect table",
  ],
  [
    "an indirect descriptor with a next one",
    () => queue([[0x2000n, 16, INDIRECT | NEXT, 1]], { indirect: true }),
    "has a next one",
  ],
  [
    "an indirect table of 17 bytes",
    () => queue([[0x2000n, 17, INDIRECT, 0]], { indirect: true }),
    "is 17 bytes",
  ],
  ["an empty indirect table", () => queue([[0x2000n, 0, INDIRECT, 0]], { indirect: true }), "is 0 bytes"],
  [
    "an oversized indirect table",
    () => queue([[0x2000n, 80, INDIRECT, 0]], { indirect: true }),
    "is 80 bytes",
  ],
  [
    "a loop in an indirect table",
    () => queue([[0x2000n, 32, INDIRECT, 0], NONE, NONE, NONE, [0x3000n, 1, NEXT, 0]], { indirect: true }),
    "longer",
  ],
  [
    "a next descriptor outside of an indirect table",
    () => queue([[0x2000n, 16, INDIRECT, 0], NONE, NONE, NONE, [0x3000n, 1, NEXT, 1]], { indirect: true }),
    "the table has 1",
  ],
];

for (const [what, make, message] of WRONG) {
  Deno.test(`a virtqueue with ${what} is a device error`, () => {
    assertThrows(() => make().take(), RingError, message);
    const service = new RingService(make(), { serve: () => new Uint8Array(0) });
    service.kick();
    assert(service.broken?.message.includes(message));
    service.kick();
    assertEquals(service.stats.completed, 0);
  });
}

Deno.test("a virtqueue may end a chain with an indirect table, and a descriptor is not available twice", () => {
  const chained = queue([[0x3000n, 2, NEXT, 1], [0x2000n, 16, INDIRECT, 0], NONE, NONE, [
    0x3002n,
    3,
    WRITE,
    0,
  ]], {
    indirect: true,
  });
  const request = chained.take()!;
  assertEquals([request.bytes.length, request.capacity], [2, 3]);
  assertThrows(() => chained.complete(request, new Uint8Array(4)), RangeError, "room for 3");
  const twice = queue([[0x3000n, 1, 0, 0]], { index: 2 });
  twice.take();
  assertThrows(() => twice.take(), RingError, "available again");
});

Deno.test("a virtqueue's place is checked", () => {
  const place = placeOf(4, false, false, RING), ram = fakeRam(0x4000);
  for (const size of [0, 3, 65_536]) {
    assertThrows(() => new VirtqueueDevice(ram, { ...place, size }), RangeError, "power of two");
  }
  assertThrows(
    () => new VirtqueueDevice(ram, { ...place, descriptors: 0x1008 }),
    RangeError,
    "aligned to 16",
  );
  assertThrows(() => new VirtqueueDevice(ram, { ...place, used: 0x1002 }), RangeError, "aligned to 4");
});

Deno.test("an IOQ's positions, owners and lengths are checked", () => {
  const changes: readonly (readonly [string, (view: DataView) => void])[] = [
    ["tail 9", (view) => view.setUint32(RING + IOQ.valid + 4, 9, true)],
    ["full", (view) => view.setUint8(RING + IOQ.valid + 8, 1)],
    ["popped up to 0", (view) => view.setUint32(RING + IOQ.valid, 3, true)],
    ["not the device's", (view) => view.setUint8(RING + IOQ.ring + IOQ.sown, 0)],
    ["not the device's", (view) => view.setUint8(RING + IOQ.ring + IOQ.validFlag, 0)],
    ["has 7 bytes", (view) => view.setUint32(RING + IOQ.ring + IOQ.len, 7, true)],
    ["no guest-physical", (view) => view.setUint32(RING + IOQ.ring + IOQ.ptr + 4, 0xffff_ffff, true)],
    ["not in guest memory", (view) => view.setUint32(RING + IOQ.ring + IOQ.ptr, 0xffff_0000, true)],
    ["room for", (view) => view.setUint32(RING + IOQ.ring + 4 * IOQ.descriptor, 0xffff_ffff, true)],
  ];
  for (const [message, change] of changes) {
    const { ram, driver, device } = KINDS[0].make(4);
    driver.submit([Uint8Array.of(1)], 1);
    change(new DataView(ram.bytes.buffer));
    assertThrows(() => device.take(), RingError, message);
  }
  const { ram } = KINDS[0].make(4);
  ram.bytes[RING] = 0;
  assertThrows(() => new IoqDevice(ram, RING), RingError, "no IOQ of version 4");
});
