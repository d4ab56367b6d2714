/** A growing byte buffer with an upper limit. */

/** Largest program in bytes: 64 MiB. */
export const MAX_OUTPUT = 64 * 1024 * 1024;

export class OutputBuffer {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Throws `RangeError` beyond the limit and then leaves everything as it was. */
  append(bytes: Uint8Array): void {
    this.#reserve(BigInt(bytes.length));
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends `pattern` `count` times; throws `RangeError` beyond the limit. */
  fill(count: bigint, pattern: Uint8Array): void {
    const total = count * BigInt(pattern.length);
    if (total === 0n) return;
    this.#reserve(total);
    const start = this.#length;
    const end = start + Number(total);
    this.#bytes.set(pattern, start);
    // Doubles what is there already.
    for (let done = start + pattern.length; done < end;) {
      const size = Math.min(done - start, end - done);
      this.#bytes.copyWithin(done, start, start + size);
      done += size;
    }
    this.#length = end;
  }

  /** A copy of what was appended. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: bigint): void {
    const needed = BigInt(this.#length) + more;
    if (needed > BigInt(MAX_OUTPUT)) {
      throw new RangeError(
        `the program would take ${needed} bytes: at most ${MAX_OUTPUT} (64 MiB) are allowed`,
      );
    }
    if (needed <= BigInt(this.#bytes.length)) return;
    const larger = new Uint8Array(Math.min(MAX_OUTPUT, Math.max(this.#bytes.length * 2, Number(needed))));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
