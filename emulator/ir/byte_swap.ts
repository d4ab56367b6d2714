/** WebAssembly has no byte swap: the shortest ways round, on the value at the top of the stack. */
import type { FunctionWriter } from "../wasm/function_writer.ts";

/** Reverses the bytes of a value of `width` bits (16: in an i32 whose upper half is zero). */
export function swapBytes(code: FunctionWriter, width: number): void {
  if (width === 16) return swap16(code);
  if (width === 32) return swap32(code);
  if (width === 64) return swap64(code);
}

function swap16(code: FunctionWriter): void {
  const x = code.local("i32");
  code.tee(x).i32(8).op("i32.shl").get(x).i32(8).op("i32.shr_u").i32(0xff).op("i32.and").op("i32.or");
  code.i32(0xffff).op("i32.and");
  code.release(x, "i32");
}

function swap32(code: FunctionWriter): void {
  const x = code.local("i32");
  code.tee(x).i32(8).op("i32.rotl").i32(0x00ff00ff).op("i32.and");
  code.get(x).i32(8).op("i32.rotr").i32(0xff00ff00 | 0).op("i32.and").op("i32.or");
  code.release(x, "i32");
}

/** Neighbouring bytes, then neighbouring pairs of bytes, then halves. */
function swap64(code: FunctionWriter): void {
  const x = code.local("i64");
  for (const [bits, mask] of [[8n, 0x00ff00ff00ff00ffn], [16n, 0x0000ffff0000ffffn]]) {
    code.set(x).get(x).i64(mask).op("i64.and").i64(bits).op("i64.shl");
    code.get(x).i64(bits).op("i64.shr_u").i64(mask).op("i64.and").op("i64.or");
  }
  code.i64(32n).op("i64.rotl");
  code.release(x, "i64");
}
