/** A virtio device that is controlled by calls (`vbus_functions.ts`) and rung for by `notify`, whatever carries them. */
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { Device, DeviceContext } from "../../emulator/machine/device.ts";
import { checkPlace } from "../rings/virtqueue_layout.ts";
import type { ServiceStats } from "../rings/ring_service.ts";
import { ERRNO, type ErrnoName } from "../status.ts";
import { STATUS } from "./constants.ts";
import { type Halves, VirtioCore } from "./virtio_core.ts";
import type { VirtioMmioOptions } from "./virtio_mmio.ts";
import type { VirtioModel } from "./virtio_model.ts";
import { VIRTIO_VBUS } from "./vbus_functions.ts";

/** What a function answers behind the status, or why it does not. */
type Answer = Uint8Array | ErrnoName;

/** A function: bytes of its payload, `least` if there may be more, and what it does. */
interface VbusFunction {
  readonly bytes: number;
  readonly least?: true;
  run(core: VirtioCore, payload: DataView): Answer;
}

const NOTHING = new Uint8Array(0);

/** By number. */
const FUNCTIONS: ReadonlyMap<number, VbusFunction> = new Map<number, VbusFunction>([
  [VIRTIO_VBUS.GET_FEATURES, { bytes: 0, run: ({ offered }) => doubleword(offered) }],
  [VIRTIO_VBUS.FINALIZE_FEATURES, {
    bytes: 8,
    run(core, payload) {
      if (core.status & STATUS.featuresOk) return "EINVAL";
      const before = core.accepted;
      core.accepted = payload.getBigUint64(0, true);
      if (core.agreed) return NOTHING;
      core.accepted = before;
      return "EINVAL";
    },
  }],
  [VIRTIO_VBUS.GET, {
    bytes: 8,
    run({ model }, payload) {
      const offset = payload.getUint32(0, true), length = payload.getUint32(4, true), config = model.config();
      return offset + length > config.length ? "EINVAL" : config.slice(offset, offset + length);
    },
  }],
  [VIRTIO_VBUS.SET, {
    bytes: 4,
    least: true,
    run({ model }, payload) {
      const offset = payload.getUint32(0, true), length = payload.byteLength - 4;
      if (offset + length > model.config().length) return "EINVAL";
      model.configure?.(offset, new Uint8Array(payload.buffer, payload.byteOffset + 4, length).slice());
      return NOTHING;
    },
  }],
  [VIRTIO_VBUS.GET_STATUS, { bytes: 0, run: ({ status }) => word(status) }],
  [VIRTIO_VBUS.SET_STATUS, {
    bytes: 4,
    run: (core, payload) => done(core.setStatus(payload.getUint32(0, true))),
  }],
  [VIRTIO_VBUS.RESET, { bytes: 0, run: (core) => done(core.reset()) }],
  [VIRTIO_VBUS.GET_QUEUE, {
    bytes: 4,
    run({ model }, payload) {
      const most = model.queues[payload.getUint32(0, true)];
      return most === undefined ? "EINVAL" : word(most);
    },
  }],
  [VIRTIO_VBUS.SET_QUEUE, { bytes: 32, run: setQueue }],
  [VIRTIO_VBUS.GET_INTERRUPT, {
    bytes: 0,
    run(core) {
      const cause = core.interrupt;
      core.setInterrupt(0);
      return word(cause);
    },
  }],
]);

/** A device for `vm.devices.add`; it has no registers. */
export class VirtioVbus implements Device {
  /** As given. */
  readonly name: string;
  readonly #core: VirtioCore;

  /** A device of a kind; `name` is its name in the VM. */
  constructor(name: string, model: VirtioModel, { irq }: VirtioMmioOptions = {}) {
    this.name = name;
    this.#core = new VirtioCore(name, model, irq);
  }

  /** Why it needs a reset; undefined if it does not. */
  get problem(): string | undefined {
    return this.#core.problem;
  }
  /** What each queue did since it was set; undefined for one that is not. */
  get stats(): readonly (Readonly<ServiceStats> | undefined)[] {
    return this.#core.stats;
  }

  /** One of `VIRTIO_VBUS`; the reply begins with its status. */
  call(fn: number, data: Uint8Array, context: DeviceContext): Uint8Array {
    this.#core.reached(context);
    const found = FUNCTIONS.get(fn);
    if (!found) return reply("ENOSYS");
    const fits = found.least ? data.length >= found.bytes : data.length === found.bytes;
    if (!fits) return reply("EINVAL");
    return reply(found.run(this.#core, new DataView(data.buffer, data.byteOffset, data.length)));
  }

  /**
   * A queue has requests. Without a context for a `vm.ioevents` match of the call window's NOTIFY register (offset 0x14),
   * which takes the notification in the kernel half.
   */
  notify(queue: number, context?: DeviceContext): void | Promise<void> {
    if (context) this.#core.reached(context);
    return this.#core.notify(queue) as void | Promise<void>;
  }

  /** As the call RESET. */
  reset(): void {
    this.#core.reset();
  }
  /** As `Device.save`. */
  save(): SavedState {
    return this.#core.save();
  }
  /** As `Device.load`. */
  load(state: SavedState): void {
    this.#core.load(state);
  }
}

function setQueue(core: VirtioCore, payload: DataView): Answer {
  const index = payload.getUint32(0, true), size = payload.getUint32(4, true), queue = core.queues[index];
  if (!queue || (size > 0 && queue.ready)) return "EINVAL";
  if (size === 0) return done(core.setReady(index, false));
  const at = (
    offset: number,
  ): Halves => [payload.getUint32(offset, true), payload.getUint32(offset + 4, true)];
  const [descriptors, driver, device] = [at(8), at(16), at(24)];
  const whole = ([low, high]: Halves) => high * 2 ** 32 + low;
  try {
    checkPlace({
      size,
      descriptors: whole(descriptors),
      available: whole(driver),
      used: whole(device),
      eventIdx: false,
      indirect: false,
    });
  } catch (error) {
    if (error instanceof RangeError) return "EINVAL";
    throw error;
  }
  if (size > core.model.queues[index] || [descriptors, driver, device].some(([, high]) => high >= 2 ** 20)) {
    return "EINVAL";
  }
  queue.size = size;
  Object.assign(queue.addresses, { descriptors, driver, device });
  const before = core.problem;
  core.setReady(index, true);
  return core.problem === before ? NOTHING : "EFAULT";
}

/** For functions that answer with their status alone. */
function done(_: void): Uint8Array {
  return NOTHING;
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function doubleword(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

function reply(answer: Answer): Uint8Array {
  const refused = typeof answer === "string";
  const bytes = new Uint8Array(4 + (refused ? 0 : answer.length));
  new DataView(bytes.buffer).setInt32(0, refused ? -ERRNO[answer] : 0, true);
  if (!refused) bytes.set(answer, 4);
  return bytes;
}
