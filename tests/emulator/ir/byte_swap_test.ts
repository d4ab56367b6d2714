import { assertEquals, assertThrows } from "@std/assert";
import { loadReversed, type Ordered, storeReversed } from "../../../emulator/ir/byte_swap.ts";
import { ModuleWriter } from "../../../emulator/wasm/module_writer.ts";

const OFFSET = 32;

/** `load(at)` and `store(at, value)` at a constant offset, and the memory that they work on. */
function reversed(width: Ordered) {
  const type = width === 64 ? "i64" : "i32";
  const module = new ModuleWriter();
  const load = module.define({ parameters: ["i32"], results: [type] }, "load").code;
  loadReversed(load.get(0), width, OFFSET);
  const store = module.define({ parameters: ["i32", type], results: [] }, "store").code;
  storeReversed(store.get(0).get(1), width, OFFSET);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), { env: { memory } });
  return {
    bytes: new Uint8Array(memory.buffer),
    load: (at: number) => BigInt.asUintN(64, BigInt((exports.load as (at: number) => number | bigint)(at))),
    store: (at: number, value: bigint) =>
      (exports.store as (at: number, value: number | bigint) => void)(
        at,
        type === "i64" ? value : Number(BigInt.asIntN(32, value)),
      ),
  };
}

for (const width of [16, 32, 64] as const) {
  const count = width / 8;

  Deno.test(`loadReversed() of ${width} bits takes no other bytes, wherever they stand`, () => {
    const { bytes, load } = reversed(width);
    for (const at of [0, 1, 2, 3, 5, 7, 13, bytes.length - OFFSET - count]) {
      bytes.fill(0xee);
      for (let i = 0; i < count; i++) bytes[OFFSET + at + i] = 0xf1 + i;
      const expected = Array.from({ length: count }, (_, i) => (0xf1 + i).toString(16)).join("");
      assertEquals(BigInt.asUintN(width, load(at)).toString(16), expected, `at ${at}`);
      if (width === 16) assertEquals(load(at) >> 16n, 0n, "nothing stands above it");
    }
    assertThrows(() => load(bytes.length - OFFSET - count + 1), WebAssembly.RuntimeError);
  });

  Deno.test(`storeReversed() of ${width} bits leaves other bytes alone, whatever stands above the value`, () => {
    const { bytes, store } = reversed(width);
    for (const at of [0, 1, 2, 3, 5, 7, 13, bytes.length - OFFSET - count]) {
      bytes.fill(0xee);
      store(at, 0x9988_7766_f1f2_f3f4n);
      const expected = [0x99, 0x88, 0x77, 0x66, 0xf1, 0xf2, 0xf3, 0xf4].slice(-count);
      const around = [0xee, ...expected, 0xee].slice(0, 1 + bytes.length - OFFSET - at);
      assertEquals([...bytes.subarray(OFFSET + at - 1, OFFSET + at + count + 1)], around, `at ${at}`);
    }
    assertThrows(() => store(bytes.length - OFFSET - count + 1, 0n), WebAssembly.RuntimeError);
  });
}
