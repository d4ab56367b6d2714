/** What a kind of virtio device is, whatever its transport: virtio 1.2, section 5. */
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import type { DeviceContext } from "../../emulator/machine/device.ts";
import type { RingRequest } from "../rings/ring_sides.ts";

/** What a kind of virtio device is, whatever its transport. */
export interface VirtioModel {
  /** Device type: section 5. */
  readonly type: number;
  /** Feature bits that it offers beside those of every device. */
  readonly features: bigint;
  /** Largest size of each of its queues. */
  readonly queues: readonly number[];
  /** Its configuration, little-endian. */
  config(): Uint8Array;
  /** A driver's write of bytes inside the configuration; without it, or where no field can be written, nothing happens. */
  configure?(offset: number, bytes: Uint8Array): void;
  /**
   * Answers a request of a queue, with at most its capacity; `features` are what was negotiated. Throws `RingError` for
   * what no sane driver asks: the device then needs a reset.
   */
  serve(
    queue: number,
    request: RingRequest,
    context: DeviceContext,
    features: bigint,
  ): Uint8Array | Promise<Uint8Array>;
  /** False while it has nothing to answer a queue's requests with: they stay where they are. */
  ready?(queue: number): boolean;
  /** Told when it may be ready where it was not. */
  onReady?: (queue: number) => void;
  /** Back to its first state. */
  reset?(): void;
  /** Its own state for a snapshot, as `Device.save`. */
  save(): SavedState;
  /** Puts back what `save` gave. Throws if it cannot. */
  load(state: SavedState | undefined): void;
}
