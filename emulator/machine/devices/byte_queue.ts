/** Bytes in the order that they came, however many: pieces are kept as they are, and nothing is moved. */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are gone. */
  #taken = 0;
  #length = 0;

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  /** Adds a copy of `bytes` at the end. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes.slice());
    this.#length += bytes.length;
  }

  /** A copy of all bytes, oldest first. */
  peek(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let at = -this.#taken;
    for (const piece of this.#pieces) {
      bytes.set(at < 0 ? piece.subarray(-at) : piece, Math.max(at, 0));
      at += piece.length;
    }
    return bytes;
  }

  /** Takes all bytes away. */
  clear(): void {
    this.#pieces.length = 0;
    this.#taken = 0;
    this.#length = 0;
  }

  /** Takes the oldest byte, or undefined if there is none. */
  shift(): number | undefined {
    const first = this.#pieces[0];
    if (first === undefined) return undefined;
    const byte = first[this.#taken++];
    this.#length--;
    if (this.#taken === first.length) {
      this.#pieces.shift();
      this.#taken = 0;
    }
    return byte;
  }
}
