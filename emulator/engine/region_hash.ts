/** The table through which regions are found by the address of an entry. Direct-mapped, in linear memory. */
import type { FunctionWriter } from "../wasm/function_writer.ts";
import { HASH, writeHashOffset } from "./block_hash.ts";

export const REGION_HASH = {
  entries: HASH.entries,
  entrySize: HASH.entrySize,
  /** i64: what `tagOf` gives for the address, or `emptyTag` for none. */
  tag: HASH.tag,
  /** u32: the region's place in the table of functions. */
  region: 8,
  /** u32: its block there. */
  block: 12,
} as const;

/**
 * Pushes whether the address in the local `pc` has an entry, whose place is left in the local `entry`. The same arithmetic
 * finds blocks, `hash` and `codeBase` alike: see `block_hash.ts`.
 */
export function lookUp(
  code: FunctionWriter,
  { pushCpu, pc, entry }: { pushCpu(): void; readonly pc: number; readonly entry: number },
  hash: number,
  codeBase: number | undefined,
): void {
  const linear = code.local("i64");
  code.get(pc);
  if (codeBase !== undefined) {
    pushCpu();
    code.memory("i64.load", codeBase).op("i64.add");
  }
  code.tee(linear).op("i32.wrap_i64");
  writeHashOffset(code);
  code.i32(hash).op("i32.add").tee(entry);
  code.memory("i64.load", HASH.tag).get(linear);
  if (codeBase !== undefined) {
    pushCpu();
    code.memory("i64.load", codeBase).i64(32n).op("i64.shl").op("i64.xor");
  }
  code.op("i64.eq");
  code.release(linear, "i64");
}
