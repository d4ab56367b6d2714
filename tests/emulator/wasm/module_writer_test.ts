import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Opcode } from "../../../emulator/wasm/opcodes.ts";
import { OP } from "../../../emulator/wasm/opcodes.ts";
import { ModuleWriter } from "../../../emulator/wasm/module_writer.ts";

const I32 = { parameters: ["i32"], results: ["i32"] } as const;

function instantiate(module: ModuleWriter, host: Record<string, (...args: number[]) => unknown> = {}) {
  const bytes = module.finish();
  assert(WebAssembly.validate(bytes));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, host });
  return { memory, exports: exports as Record<string, (...args: unknown[]) => unknown> };
}

Deno.test("a module with imports, locals, loops and memory runs", () => {
  const module = new ModuleWriter();
  const seen: number[] = [];
  const note = module.importFunction("host", "note", { parameters: ["i32"], results: [] });
  const { code } = module.define(I32, "sum");
  const sum = code.local("i32");
  const done = code.block();
  const again = code.loop();
  code.get(0).op("i32.eqz").branchIf(done);
  code.get(sum).get(0).op("i32.add").tee(sum).call(note);
  code.get(0).i32(1).op("i32.sub").set(0).branch(again);
  code.end().end();
  code.i32(0).get(sum).memory("i32.store", 1000);
  code.get(sum);
  const { memory, exports } = instantiate(module, { note: (value) => seen.push(value) });
  assertEquals(exports.sum(4), 10);
  assertEquals(seen, [4, 7, 9, 10]);
  assertEquals(new DataView(memory.buffer).getUint32(1000, true), 10);
});

Deno.test("branchTable() goes where the index says, to the default past its end", () => {
  const module = new ModuleWriter();
  const { code } = module.define(I32, "pick");
  const otherwise = code.block(), two = code.block(), one = code.block();
  code.get(0).branchTable([one, two], otherwise);
  code.end().i32(11).op("return").end().i32(22).op("return").end().i32(99);
  const { exports } = instantiate(module);
  assertEquals([0, 1, 2, -1].map((i) => exports.pick(i)), [11, 22, 99, 99]);
});

Deno.test("a released local is used again, parameters are never", () => {
  const module = new ModuleWriter();
  const { code } = module.define({ parameters: ["i64", "i32"], results: ["i64"] }, "f");
  const a = code.local("i64"), b = code.local("i32");
  assertEquals([a, b], [2, 3]);
  code.release(a, "i64");
  assertEquals([code.local("i32"), code.local("i64"), code.local("i64")], [4, 2, 5]);
  code.get(0).set(2).get(2).i64(-(2n ** 63n)).op("i64.xor");
  const { exports } = instantiate(module);
  assertEquals(exports.f(1n, 0), -(2n ** 63n) + 1n);
});

Deno.test("constant128() is one local for the same bytes, set before anything else and never released", () => {
  const module = new ModuleWriter();
  const { code } = module.define({ parameters: ["i64"], results: ["i64"] }, "reverse");
  const reversed = Array.from({ length: 16 }, (_, i) => i ^ 7);
  const order = code.constant128(reversed), first = code.local("i64");
  code.releaseFrom(1);
  assertEquals([order, code.constant128(reversed), first, code.local("i64"), code.local("i64")], [
    1,
    1,
    2,
    2,
    3,
  ]);
  code.get(0).op("f64.reinterpret_i64").vector("f64x2.splat").get(order).vector("i8x16.swizzle");
  code.vector("f64x2.extract_lane", 0).op("i64.reinterpret_f64");
  assertThrows(() => code.constant128([1, 2]), RangeError, "16 bytes are wanted, not 2");
  const { exports } = instantiate(module);
  assertEquals(exports.reverse(0x0102030405060708n), 0x0807060504030201n);
});

Deno.test("functions call each other, and equal signatures are one type", () => {
  const module = new ModuleWriter();
  const double = module.define(I32);
  double.code.get(0).i32(1).op("i32.shl");
  const { code } = module.define(I32, "f");
  code.get(0).call(double.index).if("i32");
  code.i32(-1).else().i32(5).end();
  const { exports } = instantiate(module);
  assertEquals([exports.f(0), exports.f(3)], [5, -1]);
});

Deno.test("importFunction() comes before define()", () => {
  const module = new ModuleWriter();
  module.define(I32, "f").code.get(0);
  assertThrows(
    () => module.importFunction("host", "late", I32),
    TypeError,
    "import late comes after a defined",
  );
});

Deno.test("every operator is valid on operands of its own types", () => {
  // Operators that take or leave another type than their name says.
  const takes: Partial<Record<Opcode, "i32" | "i64">> = {
    "i32.wrap_i64": "i64",
    "i64.extend_i32_s": "i32",
    "i64.extend_i32_u": "i32",
  };
  const unary = /clz|ctz|popcnt|eqz|extend|wrap/, comparison = /\.(eqz?|ne|lt|le|gt|ge)(_|$)/;
  const names = (Object.keys(OP) as Opcode[]).filter((name) =>
    /^i(32|64)\./.test(name) && !/const|reinterpret/.test(name)
  );
  for (const name of names) {
    const own = name.slice(0, 3) as "i32" | "i64";
    const module = new ModuleWriter();
    const memory = /load|store/.test(name);
    const result = memory
      ? (name.includes("load") ? [own] : [])
      : comparison.test(name)
      ? ["i32" as const]
      : [own];
    const { code } = module.define({ parameters: ["i32", "i64"], results: result }, "f");
    const operand = () => code.get((takes[name] ?? own) === "i32" ? 0 : 1);
    if (memory) {
      code.get(0);
      if (name.includes("store")) operand();
      code.memory(name, 8);
    } else {
      operand();
      if (!unary.test(name)) operand();
      code.op(name);
    }
    assert(WebAssembly.validate(module.finish()), name);
  }
});

Deno.test("hints name the branches that they are about, by their places in the function's body", () => {
  const module = new ModuleWriter();
  const { code } = module.define(I32, "pick");
  const local = code.local("i64");
  code.i64(7n).set(local);
  code.get(0).if("i32", "unlikely");
  code.i32(1).else().i32(2).end();
  // Stands before the hinted branch.
  code.constant128(new Array(16).fill(9));
  const bytes = module.finish();
  assertEquals(run(module, "pick", [0, 5]), [2, 1]);
  // Section 0, name, one function with one hint: its place, a length of 1, and 0 for "seldom".
  const name = new TextEncoder().encode("metadata.code.branch_hint");
  const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte)) + name.length;
  const [functions, index, hints, place, size, hint] = bytes.subarray(at);
  assertEquals([functions, index, hints, size, hint], [1, 0, 1, 1, 0]);
  // The code section: number, length, one function, its length; then its body, in which an `if` stands there.
  const body = at + 6 + 4;
  assertEquals([bytes[at + 6], bytes[body + place]], [10, OP.if]);
});

function run(module: ModuleWriter, name: string, values: readonly number[]): unknown[] {
  const { exports } = instantiate(module);
  return values.map((value) => exports[name](value));
}
