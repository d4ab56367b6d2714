/** Guest RAM as memory slots, like `KVM_SET_USER_MEMORY_REGION`: ranges of guest-physical addresses. */
import type { Arena } from "../engine/arena.ts";

/** A slot to be added. */
export interface SlotOptions {
  /** For messages and `removeSlot`. */
  readonly name: string;
  /** Guest-physical address of the first byte, a multiple of 4,096 below 2^52. */
  readonly gpa: number;
  /** Bytes, a multiple of 4,096. */
  readonly size: number;
  /** The guest's writes are dropped (they exit as MMIO and nobody answers); the host's are not. */
  readonly readOnly?: boolean;
}

/** A range of guest-physical addresses with memory behind it. */
export interface MemorySlot {
  /** As it was given to `addSlot`. */
  readonly name: string;
  /** Guest-physical address of the first byte. */
  readonly gpa: number;
  /** Bytes. */
  readonly size: number;
  /** True if the guest's writes are dropped. */
  readonly readOnly: boolean;
  /** Place of the first byte in the VM's linear memory. */
  readonly place: number;
}

/** What has to be told when memory changes under a vCPU's feet. */
export interface MemoryListener {
  /** Bytes at a place in linear memory were written by the host. */
  written(place: number, length: number): void;
  /** Slots came or went. */
  layoutChanged(): void;
}

const PAGE = 4096;

/** The memory of a VM: slots, and copies of bytes in and out. Code that is overwritten is decoded again. */
export class GuestMemory {
  readonly #arena: Arena;
  readonly #listener: MemoryListener;
  #slots: MemorySlot[] = [];

  /** @internal */
  constructor(arena: Arena, listener: MemoryListener) {
    this.#arena = arena;
    this.#listener = listener;
  }

  /** By guest-physical address. */
  get slots(): readonly MemorySlot[] {
    return this.#slots;
  }

  /** Throws `RangeError` for a range that is not aligned, overlaps another slot or exceeds what a VM can hold. */
  addSlot(options: SlotOptions): MemorySlot {
    const { name, gpa, size, readOnly = false } = options;
    const range = show(gpa, size);
    if (
      !Number.isSafeInteger(gpa) || !Number.isSafeInteger(size) || gpa < 0 || size <= 0 ||
      gpa + size > 2 ** 52
    ) {
      throw new RangeError(
        `memory slot ${name} ${range} is not a range of guest-physical addresses below 2^52`,
      );
    }
    if (gpa % PAGE !== 0 || size % PAGE !== 0) {
      throw new RangeError(
        `memory slot ${name} ${range} is not aligned: address and size are multiples of 0x1000`,
      );
    }
    const other = this.#slots.find((slot) => gpa < slot.gpa + slot.size && slot.gpa < gpa + size);
    if (other) {
      throw new RangeError(
        `memory slot ${name} ${range} overlaps slot ${other.name} ${show(other.gpa, other.size)}`,
      );
    }
    const slot = { name, gpa, size, readOnly, place: this.#arena.allocate(size) };
    this.#slots = [...this.#slots, slot].sort((a, b) => a.gpa - b.gpa);
    this.#listener.layoutChanged();
    return slot;
  }

  /** Takes the slot of that name away; false if there is none. */
  removeSlot(name: string): boolean {
    const slot = this.#slots.find((one) => one.name === name);
    if (!slot) return false;
    this.#slots = this.#slots.filter((one) => one !== slot);
    this.#arena.free(slot.place, slot.size);
    this.#listener.layoutChanged();
    return true;
  }

  /** The slot that holds the byte at `gpa`. */
  find(gpa: number): MemorySlot | undefined {
    for (const slot of this.#slots) if (gpa >= slot.gpa && gpa < slot.gpa + slot.size) return slot;
    return undefined;
  }

  /** A copy of `length` bytes at a guest-physical address. Throws `RangeError` where there is no memory. */
  read(gpa: number | bigint, length: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#claim(gpa, length, "read");
    this.#pieces(Number(gpa), length, (place, from, count) => {
      bytes.set(this.#arena.u8.subarray(place, place + count), from);
    });
    return bytes;
  }

  /** Writes to guest-physical memory, read-only slots too. Throws `RangeError` where there is none, having written nothing. */
  write(gpa: number | bigint, bytes: Uint8Array): void {
    this.#claim(gpa, bytes.length, "write", false);
    this.#pieces(Number(gpa), bytes.length, (place, from, count) => {
      this.#arena.u8.set(bytes.subarray(from, from + count), place);
      this.#listener.written(place, count);
    });
  }

  /** Whether memory holds all bytes of the range. */
  holds(gpa: number | bigint, length: number): boolean {
    const from = Number(gpa);
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(length) || from < 0 || length < 0) return false;
    for (let at = from; at < from + length;) {
      const slot = this.find(at);
      if (!slot) return false;
      at = slot.gpa + slot.size;
    }
    return true;
  }

  #claim(gpa: number | bigint, length: number, what: string, allocate = true): Uint8Array<ArrayBuffer> {
    if (this.holds(gpa, length)) return new Uint8Array(allocate ? length : 0);
    const slots = this.#slots.map((slot) => `${slot.name} ${show(slot.gpa, slot.size)}`).join(", ") || "none";
    throw new RangeError(
      `cannot ${what} ${length} bytes at guest-physical 0x${gpa.toString(16)}: memory is ${slots}`,
    );
  }

  #pieces(gpa: number, length: number, f: (place: number, from: number, count: number) => void): void {
    for (let done = 0; done < length;) {
      const slot = this.find(gpa + done)!;
      const inSlot = gpa + done - slot.gpa;
      const count = Math.min(length - done, slot.size - inSlot);
      f(slot.place + inSlot, done, count);
      done += count;
    }
  }
}

function show(gpa: number, size: number): string {
  return `0x${gpa.toString(16)}-0x${(gpa + size - 1).toString(16)}`;
}
