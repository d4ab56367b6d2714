/**
 * Memory in the other order of bytes. WebAssembly has no byte swap, and shifts and masks are 5 operations for 32 bits, 11 for
 * 64. The bytes of a vector in another order are one, between a load that leaves a vector or a store that takes one.
 */
import type { FunctionWriter } from "../wasm/function_writer.ts";

/** A width that has an order. */
export type Ordered = 16 | 32 | 64;

/** Loads `width` bits, their bytes reversed, from the address on the stack. */
export function loadReversed(code: FunctionWriter, width: Ordered, offset = 0): void {
  if (width === 16) return swap16(code.memory("i32.load16_u", offset));
  const [load, lane] = width === 32
    ? ["v128.load32_zero", "i32x4.extract_lane"] as const
    : ["v128.load64_zero", "i64x2.extract_lane"] as const;
  code.vector(load, 0, offset);
  reverse(code, width);
  code.vector(lane, 0);
}

/** Stores `width` bits of the value on the stack, their bytes reversed, to the address below it. */
export function storeReversed(code: FunctionWriter, width: Ordered, offset = 0): void {
  if (width === 16) {
    swap16(code.i32(0xffff).op("i32.and"));
    code.memory("i32.store16", offset);
    return;
  }
  const [splat, store] = width === 32
    ? ["i32x4.splat", "v128.store32_lane"] as const
    : ["i64x2.splat", "v128.store64_lane"] as const;
  code.vector(splat);
  reverse(code, width);
  code.vector(store, 0, offset, 0);
}

/** Reverses the bytes of each lane of a vector. */
function reverse(code: FunctionWriter, width: 32 | 64): void {
  const last = width / 8 - 1;
  code.get(code.constant128(Array.from({ length: 16 }, (_, i) => i ^ last))).vector("i8x16.swizzle");
}

/** Of 16 bits in an i32 whose upper half is 0: one byte goes up by 24 bits, the other by 8, and both come down by 16. */
function swap16(code: FunctionWriter): void {
  code.i32(0x01000100).op("i32.mul").i32(16).op("i32.shr_u");
}
