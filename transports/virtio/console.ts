/** A console with a single port: virtio 1.2, section 5.3. */
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { RingRequest } from "../rings/ring_sides.ts";
import { VirtioMmio, type VirtioMmioOptions } from "./virtio_mmio.ts";
import type { VirtioModel } from "./virtio_model.ts";

const RECEIVE = 0;
const QUEUE_SIZE = 64;
/** Most bytes of input that wait for buffers. */
const MOST_WAITING = 2 ** 20;

/** A console. */
export interface VirtioConsoleOptions extends VirtioMmioOptions {
  /** Its name in the VM; `virtio-console` if not given. */
  readonly name?: string;
  /** Takes what the guest sends. */
  transmit(bytes: Uint8Array): void;
}

/** A console behind virtio-mmio, and its other end. */
export class VirtioConsole extends VirtioMmio {
  readonly #port: Port;

  /** A console that nothing was typed at. */
  constructor(options: VirtioConsoleOptions) {
    const port = new Port(options.transmit);
    super(options.name ?? "virtio-console", port, options);
    this.#port = port;
  }

  /** Types: what the guest has no buffers for waits. Throws `RangeError` when more than 1 MiB would. */
  feed(bytes: Uint8Array): void {
    this.#port.feed(bytes);
  }
}

class Port implements VirtioModel {
  readonly type = 3;
  readonly features = 0n;
  readonly queues = [QUEUE_SIZE, QUEUE_SIZE];
  readonly #transmit: (bytes: Uint8Array) => void;
  #input = new Uint8Array(0);
  onReady?: (queue: number) => void;

  constructor(transmit: (bytes: Uint8Array) => void) {
    this.#transmit = transmit;
  }

  /** Columns, rows, ports and emergency write: features that are not offered. */
  config(): Uint8Array {
    return new Uint8Array(12);
  }
  ready(queue: number): boolean {
    return queue !== RECEIVE || this.#input.length > 0;
  }
  serve(queue: number, { bytes, capacity }: RingRequest): Uint8Array {
    if (queue !== RECEIVE) {
      this.#transmit(bytes);
      return new Uint8Array(0);
    }
    const part = this.#input.slice(0, capacity);
    this.#input = this.#input.slice(part.length);
    return part;
  }

  /** What was typed and not received. */
  save(): SavedState {
    return this.#input.slice();
  }
  load(state: SavedState | undefined): void {
    if (!(state instanceof Uint8Array) || state.length > MOST_WAITING) {
      throw new RangeError("the snapshot has no console's input");
    }
    this.#input = state.slice();
  }

  feed(bytes: Uint8Array): void {
    if (this.#input.length + bytes.length > MOST_WAITING) {
      throw new RangeError(
        `${bytes.length} bytes more are too much for a console that ${this.#input.length} wait at`,
      );
    }
    const all = new Uint8Array(this.#input.length + bytes.length);
    all.set(this.#input);
    all.set(bytes, this.#input.length);
    this.#input = all;
    this.onReady?.(RECEIVE);
  }
}
