/** Reads numbers and ranges of a file and says clearly where they would lie outside of it. */

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

export class FileReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  /** Width of the file's addresses and offsets. */
  readonly #wide: boolean;

  constructor(bytes: Uint8Array, order: "le" | "be", width: 32 | 64) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = order === "le";
    this.#wide = width === 64;
  }

  /**
   * A range of the file as plain numbers. Throws `RangeError` naming `what` if it does not lie in the
   * file, so that reads inside of a checked range never fail.
   */
  range(offset: number | bigint, size: number | bigint, what: string): { start: number; size: number } {
    const end = BigInt(offset) + BigInt(size);
    if (end > BigInt(this.#bytes.length)) {
      const length = this.#bytes.length;
      throw new RangeError(
        `${what}: ${size} bytes at offset ${hex(offset)} exceed the file's ${length} bytes`,
      );
    }
    return { start: Number(offset), size: Number(size) };
  }

  /** A view of a range of the file; throws as `range` does. */
  bytes(offset: number | bigint, size: number | bigint, what: string): Uint8Array {
    const range = this.range(offset, size, what);
    return this.#bytes.subarray(range.start, range.start + range.size);
  }

  u8(offset: number): number {
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    return this.#view.getUint16(offset, this.#little);
  }

  u32(offset: number): number {
    return this.#view.getUint32(offset, this.#little);
  }

  u64(offset: number): bigint {
    return this.#view.getBigUint64(offset, this.#little);
  }

  /** 4 bytes of a 32-bit file, 8 of a 64-bit one. */
  word(offset: number): bigint {
    return this.#wide ? this.u64(offset) : BigInt(this.u32(offset));
  }
}
