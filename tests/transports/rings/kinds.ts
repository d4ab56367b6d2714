/** The kinds of rings, each with both sides on one memory. */
import { IoqDevice } from "../../../transports/rings/ioq_device.ts";
import { IoqDriver } from "./reference/ioq_driver.ts";
import { initialIoq } from "../../../transports/rings/ioq_layout.ts";
import type { DeviceRing, DriverRing } from "../../../transports/rings/ring_sides.ts";
import { VirtqueueDevice } from "../../../transports/rings/virtqueue_device.ts";
import { VirtqueueDriver } from "../../../transports/virtio/virtqueue_driver.ts";
import type { VirtqueuePlace } from "../../../transports/rings/virtqueue_layout.ts";
import { fakeRam } from "../fake_ram.ts";

export type FakeRam = ReturnType<typeof fakeRam>;

export interface Pair {
  readonly ram: FakeRam;
  readonly driver: DriverRing;
  readonly device: DeviceRing;
}

export interface Kind {
  readonly name: string;
  /** `start` is where a virtqueue's indices begin. */
  make(entries: number, start?: number): Pair;
}

const EACH = 256, RING = 0x1000;

/** Descriptors, available ring and used ring one after the other, aligned. */
export function placeOf(size: number, eventIdx: boolean, indirect: boolean, base = RING): VirtqueuePlace {
  const available = base + 16 * size, used = (available + 6 + 2 * size + 3) & ~3;
  return { size, descriptors: base, available, used, eventIdx, indirect };
}

function virtqueue(eventIdx: boolean, indirect: boolean): Kind {
  return {
    name: `virtqueue${eventIdx ? ", event index" : ""}${indirect ? ", indirect" : ""}`,
    make(entries, start = 0) {
      const place = placeOf(entries, eventIdx, indirect);
      const buffers = { gpa: (place.used + 6 + 8 * entries + 15) & ~15, each: EACH };
      const ram = fakeRam(buffers.gpa + EACH * entries);
      const view = new DataView(ram.bytes.buffer);
      view.setUint16(place.available + 2, start, true);
      view.setUint16(place.used + 2, start, true);
      const device = new VirtqueueDevice(ram, place);
      device.progress = { taken: start, used: start, told: start };
      return { ram, driver: new VirtqueueDriver(ram, place, buffers, start), device };
    },
  };
}

export const KINDS: readonly Kind[] = [
  {
    name: "ioq",
    make(entries) {
      const ioq = initialIoq(entries), buffers = { gpa: RING + ioq.length, each: EACH };
      const ram = fakeRam(buffers.gpa + EACH * entries);
      ram.write(RING, ioq);
      return { ram, device: new IoqDevice(ram, RING), driver: new IoqDriver(ram, RING, buffers) };
    },
  },
  virtqueue(false, false),
  virtqueue(true, false),
  virtqueue(false, true),
  virtqueue(true, true),
];
