/** Where a ring, its driver's words and its requests lie in a slot of guest memory. */
import type { Vm } from "../../emulator/machine/vm.ts";
import { DRIVER, driverSizes } from "./driver_block.ts";
import { writeWords } from "./guest_driver.ts";
import { initialIoq, IOQ, ioqSize } from "./ioq_layout.ts";
import { REPLY_HEAD, REQUEST_HEAD } from "./request.ts";
import { type FullRingOptions, MAX_BUFFERS } from "./ring.ts";
import { DESC, NO_INTERRUPT, partSizes, type VirtqueuePlace } from "./virtqueue_layout.ts";

const PAGE = 4096;
/** What real mode's code reaches of a ring. */
const REAL_MODE_REACH = 0x1_0000;

/** All guest-physical addresses. */
export interface RingPlace {
  readonly gpa: number;
  /** Bytes of the slot. */
  readonly size: number;
  /** Unless it is an IOQ. */
  readonly virtqueue: VirtqueuePlace | undefined;
  readonly driver: {
    readonly block: number;
    readonly links: number;
    readonly records: number;
    readonly results: number;
    /** Tables of descriptors, `table` bytes each. */
    readonly tables: number;
    readonly table: number;
    /** What the guest's code takes off an address: in real mode the ring's own. */
    readonly origin: number;
  };
  /** Each descriptor's part of this is for a request that begins with it, its reply and what else it takes. */
  readonly buffers: { readonly gpa: number; readonly each: number };
}

/** Lays a ring out. Throws `RangeError` for one that real mode's code does not reach. */
export function ringPlace(gpa: number, mode: 16 | 32 | 64, options: FullRingOptions): RingPlace {
  const { kind, entries, bytes, eventIdx, indirect } = options;
  // Without tables a request of one buffer and its reply are two descriptors.
  const size = kind === "ioq" ? entries : Math.max(powerOfTwo(indirect ? entries : 2 * entries), 16);
  const table = kind === "virtqueue" && indirect ? DESC.size * (MAX_BUFFERS + 1) : 0;
  let next = gpa;
  const take = (length: number, step = 16) => {
    const at = Math.ceil(next / step) * step;
    next = at + length;
    return at;
  };
  const parts = partSizes(size), ioq = kind === "ioq";
  const descriptors = take(ioq ? ioqSize(entries) : parts.descriptors);
  const virtqueue = ioq ? undefined : {
    size,
    descriptors,
    available: take(parts.available, 2),
    used: take(parts.used, 4),
    eventIdx,
    indirect,
  };
  const block = take(DRIVER.size), sizes = driverSizes(size, entries, table);
  const links = take(ioq ? 0 : sizes.links), records = take(sizes.records), results = take(sizes.results);
  const tables = take(sizes.tables);
  if (mode === 16 && next - gpa > REAL_MODE_REACH) {
    throw new RangeError(
      `a ring of ${entries} entries takes ${
        next - gpa
      } bytes: a real-mode driver reaches ${REAL_MODE_REACH}; give fewer`,
    );
  }
  const each = (8 + REQUEST_HEAD + REPLY_HEAD + bytes + 15) & ~15, first = take(0, PAGE);
  const driver = { block, links, records, results, tables, table, origin: mode === 16 ? gpa : 0 };
  return {
    gpa,
    size: Math.ceil((first - gpa + each * size) / PAGE) * PAGE,
    virtqueue,
    driver,
    buffers: { gpa: first, each },
  };
}

/** Writes an empty ring, and what its driver knows of it: as a driver does when it starts. `poll`: it wants no interrupts. */
export function makeRing(vm: Vm, place: RingPlace, { kind, entries, poll }: FullRingOptions): void {
  const { gpa, virtqueue, driver } = place, { origin } = driver;
  const common = {
    links: driver.links - origin,
    records: driver.records - origin,
    results: driver.results - origin,
    room: entries,
  };
  if (kind === "ioq" || !virtqueue) {
    const ring = initialIoq(entries);
    if (!poll) ring[IOQ.signal + 8] = 1;
    vm.memory.write(gpa, ring);
    const descriptors = gpa + IOQ.ring - origin;
    return writeWords(vm, driver.block, { ...common, descriptors, available: gpa - origin, count: entries });
  }
  const { size, descriptors, available, used, eventIdx } = virtqueue;
  const usedEvent = available + 4 + 2 * size, availEvent = used + 4 + 8 * size;
  // Without interrupts the event is what the index has just left behind: 2^16 - 1 more until it is passed.
  if (poll) vm.memory.write(eventIdx ? usedEvent : available, eventIdx ? Uint8Array.of(0xff, 0xff) : FLAG);
  const links = new DataView(new ArrayBuffer(4 * size));
  for (let i = 0; i < size; i++) links.setUint32(4 * i, i + 1, vm.isa.order === "le");
  vm.memory.write(driver.links, new Uint8Array(links.buffer));
  writeWords(vm, driver.block, {
    ...common,
    descriptors: descriptors - origin,
    available: available - origin,
    used: used - origin,
    count: size - 1,
    freeCount: size,
    availEvent: availEvent - origin,
    usedEvent: usedEvent - origin,
  });
}

const FLAG = Uint8Array.of(NO_INTERRUPT, 0);

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
