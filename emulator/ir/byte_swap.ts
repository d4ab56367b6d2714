/**
 * Memory in the other order of bytes. WebAssembly has no byte swap, and shifts and masks are 5 operations for 32 bits, 11 for
 * 64. The bytes of a vector in another order are one.
 *
 * What comes and goes is named a float, whose bits nobody touches: an integer would not stay in a vector register between
 * a load and a store, and V8 takes the lowest lane of one by a slower instruction.
 */
import type { FunctionWriter } from "../wasm/function_writer.ts";

/** A width that has an order. */
export type Ordered = 16 | 32 | 64;

const LANES = {
  32: {
    load: "v128.load32_zero",
    extract: "f32x4.extract_lane",
    toInteger: "i32.reinterpret_f32",
    toFloat: "f32.reinterpret_i32",
    splat: "f32x4.splat",
    store: "f32.store",
  },
  64: {
    load: "v128.load64_zero",
    extract: "f64x2.extract_lane",
    toInteger: "i64.reinterpret_f64",
    toFloat: "f64.reinterpret_i64",
    splat: "f64x2.splat",
    store: "f64.store",
  },
} as const;

/** Loads `width` bits, their bytes reversed, from the address on the stack. */
export function loadReversed(code: FunctionWriter, width: Ordered, offset = 0): void {
  if (width === 16) return swap16(code.memory("i32.load16_u", offset));
  const { load, extract, toInteger } = LANES[width];
  code.vector(load, 0, offset);
  reverse(code, width);
  code.vector(extract, 0).op(toInteger);
}

/** Stores `width` bits of the value on the stack, their bytes reversed, to the address below it. */
export function storeReversed(code: FunctionWriter, width: Ordered, offset = 0): void {
  if (width === 16) {
    swap16(code.i32(0xffff).op("i32.and"));
    code.memory("i32.store16", offset);
    return;
  }
  const { toFloat, splat, extract, store } = LANES[width];
  code.op(toFloat).vector(splat);
  reverse(code, width);
  code.vector(extract, 0).memory(store, offset);
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
