/** Instruction words as they stand in memory. */
import type { ByteOrder } from "../ir/ops.ts";

/** The instruction word at the start of `bytes`. */
export function readWord(bytes: Uint8Array, order: ByteOrder): number {
  const [a, b, c, d] = order === "be" ? bytes : [bytes[3], bytes[2], bytes[1], bytes[0]];
  return (a << 24 | b << 16 | c << 8 | d) >>> 0;
}

/** The bytes of an instruction word. */
export function wordBytes(word: number, order: ByteOrder): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word);
  return order === "be" ? bytes : bytes.reverse();
}
