/** A block device over bytes in memory: virtio 1.2, section 5.2. */
import type { SavedState } from "../../emulator/engine/saved_state.ts";
import { SavedFields } from "../../emulator/engine/saved_fields.ts";
import { RingError } from "../rings/ring_memory.ts";
import type { RingRequest } from "../rings/ring_sides.ts";
import { VirtioMmio, type VirtioMmioOptions } from "./virtio_mmio.ts";
import type { VirtioModel } from "./virtio_model.ts";
import { VirtioVbus } from "./virtio_vbus.ts";

const SECTOR = 512, HEADER = 16, ID_SIZE = 20;
const QUEUE_SIZE = 256;
const FEATURE = { readOnly: 1n << 5n, blockSize: 1n << 6n, flush: 1n << 9n, configWce: 1n << 11n } as const;
/** Configuration: capacity u64, block size u32 at 20, whether writes are cached u8 at 32. */
const CONFIG = { capacity: 0, blockSize: 20, writeBack: 32, size: 36 } as const;
/** Types of requests, and what the last byte of a reply says. */
const TYPE = { in: 0, out: 1, flush: 4, getId: 8 } as const;
const STATUS = { ok: 0, ioError: 1, unsupported: 2 } as const;

/** A disk. */
export interface VirtioBlockOptions extends VirtioMmioOptions {
  /** Its name in the VM; `virtio-blk` if not given. */
  readonly name?: string;
  /** Its bytes, written in place; what is left after the last whole sector of 512 is out of reach. */
  readonly image: Uint8Array;
  /** Answers writes with an error, and says so. */
  readonly readOnly?: boolean;
  /** What a driver gets that asks who this is: 20 bytes of ASCII at most; `trapsh` if not given. */
  readonly id?: string;
  /** Called when the driver flushes. */
  flush?(): void;
}

/** The same disk behind vbus: its control by calls, its doorbell by any vehicle. */
export function virtioVbusBlock(options: VirtioBlockOptions): VirtioVbus {
  return new VirtioVbus(options.name ?? "virtio-blk", new Block(options), options);
}

/** A disk behind virtio-mmio: reads, writes, flushes and says its id; errors where a request leaves it. */
export function virtioBlock(options: VirtioBlockOptions): VirtioMmio {
  return new VirtioMmio(options.name ?? "virtio-blk", new Block(options), options);
}

class Block implements VirtioModel {
  readonly type = 2;
  readonly queues = [QUEUE_SIZE];
  readonly features: bigint;
  readonly #options: VirtioBlockOptions;
  readonly #sectors: number;
  #writeBack = true;

  constructor(options: VirtioBlockOptions) {
    this.#options = options;
    this.#sectors = Math.floor(options.image.length / SECTOR);
    this.features = FEATURE.flush | FEATURE.configWce | FEATURE.blockSize |
      (options.readOnly ? FEATURE.readOnly : 0n);
  }

  config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG.size), view = new DataView(bytes.buffer);
    view.setBigUint64(CONFIG.capacity, BigInt(this.#sectors), true);
    view.setUint32(CONFIG.blockSize, SECTOR, true);
    view.setUint8(CONFIG.writeBack, this.#writeBack ? 1 : 0);
    return bytes;
  }

  /** 5.2.5: the driver chooses between write-back, which flushes end, and write-through, where every write is flushed. */
  configure(offset: number, bytes: Uint8Array): void {
    const value = bytes[CONFIG.writeBack - offset];
    if (value !== undefined) this.#writeBack = value !== 0;
  }
  reset(): void {
    this.#writeBack = true;
  }

  /** The status is the last byte of what the device writes, whatever is before it. */
  serve(_queue: number, { bytes, capacity }: RingRequest): Uint8Array {
    if (bytes.length < HEADER || capacity < 1) {
      throw new RingError(
        `a block request of ${bytes.length} bytes with room for ${capacity}: give 16 and 1`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const reply = new Uint8Array(capacity), data = reply.subarray(0, capacity - 1);
    reply[capacity - 1] = this.#do(
      view.getUint32(0, true),
      view.getBigUint64(8, true),
      bytes.subarray(HEADER),
      data,
    );
    return reply;
  }

  /** The disk's bytes, and whether writes are cached. */
  save(): SavedState {
    return { image: this.#options.image.slice(), writeBack: this.#writeBack };
  }
  load(state: SavedState | undefined): void {
    const { image } = this.#options;
    // Snapshots of versions without write-through have the bytes alone.
    const fields = state instanceof Uint8Array ? { image: state, writeBack: true } : state;
    const saved = new SavedFields(fields, "virtio disk"), bytes = saved.bytes("image");
    if (bytes.length !== image.length) {
      throw new RangeError(`the snapshot has another disk than one of ${image.length} bytes`);
    }
    const writeBack = saved.flag("writeBack");
    image.set(bytes);
    this.#writeBack = writeBack;
  }

  #do(type: number, sector: bigint, sent: Uint8Array, wanted: Uint8Array): number {
    const { image, readOnly, id = "trapsh", flush } = this.#options;
    switch (type) {
      case TYPE.in: {
        const at = this.#place(sector, wanted.length);
        if (at === undefined) return STATUS.ioError;
        wanted.set(image.subarray(at, at + wanted.length));
        return STATUS.ok;
      }
      case TYPE.out: {
        const at = this.#place(sector, sent.length);
        if (at === undefined || readOnly) return STATUS.ioError;
        image.set(sent, at);
        if (!this.#writeBack) flush?.();
        return STATUS.ok;
      }
      case TYPE.flush:
        flush?.();
        return STATUS.ok;
      case TYPE.getId:
        wanted.set(new TextEncoder().encode(id).subarray(0, Math.min(ID_SIZE, wanted.length)));
        return STATUS.ok;
      default:
        return STATUS.unsupported;
    }
  }

  /** Where whole sectors of the disk are, or undefined. */
  #place(sector: bigint, length: number): number | undefined {
    if (length % SECTOR !== 0 || sector + BigInt(length / SECTOR) > BigInt(this.#sectors)) return undefined;
    return Number(sector) * SECTOR;
  }
}
