/**
 * One WebAssembly memory for everything of a VM: vCPU states, block hashes, decoded blocks, guest RAM.
 * Growing detaches the views, so everyone reads them from here each time, or asks to be told.
 */
/** Bytes that a VM may have beyond what it needs, to be faster: some 10 million decoded instructions. */
const MOST_SPARE = 2 ** 28;
/** What that leaves, at least, for who needs it. */
const KEPT = 2 ** 28, MOST = 2 ** 32;

export class Arena {
  readonly memory: WebAssembly.Memory;
  u8!: Uint8Array<ArrayBuffer>;
  view!: DataView<ArrayBuffer>;
  i32!: Int32Array<ArrayBuffer>;
  #used = 0;
  #spare = 0;
  #free: { at: number; bytes: number }[] = [];
  readonly #viewers: (() => void)[] = [];

  constructor(bytes: number) {
    this.memory = new WebAssembly.Memory({ initial: pages(bytes), maximum: 65536 });
    this.#refresh();
  }

  /** A zeroed region, aligned to 4 KiB. Throws `RangeError` when 4 GiB do not hold it. */
  allocate(bytes: number): number {
    const size = Math.ceil(bytes / 4096) * 4096;
    const again = this.#free.findIndex((hole) => hole.bytes >= size);
    if (again >= 0) {
      const hole = this.#free[again];
      this.#free.splice(again, 1);
      if (hole.bytes > size) this.#free.push({ at: hole.at + size, bytes: hole.bytes - size });
      this.u8.fill(0, hole.at, hole.at + size);
      return hole.at;
    }
    const at = this.#used;
    const missing = at + size - this.u8.length;
    if (missing > 0) this.#grow(missing, size);
    this.#used += size;
    return at;
  }

  /** The same for who can do without, and does not give it back: undefined where there is no more of it. */
  allocateSpare(bytes: number): number | undefined {
    if (this.#spare + bytes > MOST_SPARE || this.#used + bytes > MOST - KEPT) return undefined;
    try {
      const at = this.allocate(bytes);
      this.#spare += bytes;
      return at;
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** Calls `look` now and whenever views of the memory have to be made anew: for who reads so often that it keeps its own. */
  onViews(look: () => void): void {
    this.#viewers.push(look);
    look();
  }

  /** Gives a region back for later `allocate`s. */
  free(at: number, bytes: number): void {
    this.#free.push({ at, bytes: Math.ceil(bytes / 4096) * 4096 });
  }

  #grow(missing: number, wanted: number): void {
    try {
      this.memory.grow(pages(missing));
    } catch {
      throw new RangeError(
        `no room for ${wanted} more bytes: a VM's memory ends at 4 GiB, ${this.#used} are used`,
      );
    }
    this.#refresh();
  }

  #refresh(): void {
    // Not shared: the constructor asked for a plain memory.
    const buffer = this.memory.buffer as ArrayBuffer;
    this.u8 = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.i32 = new Int32Array(buffer);
    for (const look of this.#viewers) look();
  }
}

function pages(bytes: number): number {
  return Math.ceil(bytes / 65536);
}
