/** A growable byte buffer with WebAssembly's number encodings. */
export class Bytes {
  #buffer = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  u8(value: number): this {
    if (this.#length === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.#grow(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Unsigned LEB128 of a number below 2^32. */
  uleb(value: number): this {
    while (value >= 0x80) {
      this.u8((value & 0x7f) | 0x80);
      value >>>= 7;
    }
    return this.u8(value);
  }

  /** Signed LEB128 of a 32-bit number. */
  sleb32(value: number): this {
    value |= 0;
    for (;;) {
      const byte = value & 0x7f;
      value >>= 7;
      if ((value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0)) return this.u8(byte);
      this.u8(byte | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit number. */
  sleb64(value: bigint): this {
    value = BigInt.asIntN(64, value);
    for (;;) {
      const byte = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && (byte & 0x40) === 0) || (value === -1n && (byte & 0x40) !== 0)) {
        return this.u8(byte);
      }
      this.u8(byte | 0x80);
    }
  }

  /** Length-prefixed UTF-8. */
  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.uleb(bytes.length).append(bytes);
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + by));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
