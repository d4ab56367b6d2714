import { assertEquals } from "@std/assert";
import { EmitOps } from "../../../emulator/ir/emit.ts";
import type { Node } from "../../../emulator/ir/nodes.ts";

const MASKS = [0n, 1n, 0xffn, 0xff00n, 0xffff_ff00n, 0xff00_0000n, 0xffff_ffff_ffff_ff00n, (1n << 64n) - 1n];

/** The operators that a value is made by, and their constants, innermost first. */
function textOf({ source }: Node): string {
  if (source.kind === "constant") return `${source.value}`;
  if (source.kind !== "operator") return source.kind;
  return `${source.emit.join(" ")}(${source.operands.map(textOf).join(", ")})`;
}

function rotatedAndMasked(width: 32 | 64, count: number, mask: bigint, widened = false): string {
  const ops = new EmitOps({ steps: [], fuses: false, recipes: [], trapNumber: () => 0 });
  const rotated = ops.rotl(ops.read(128, width), ops.constant(width, count));
  const value = widened ? ops.zext(rotated, 64) : rotated;
  return textOf(ops.and(value, ops.constant(value.width, mask)));
}

Deno.test("a rotate and a mask that leaves what a shift leaves are the shift", () => {
  assertEquals(rotatedAndMasked(32, 8, 0xffff_ff00n), "i32.shl(slot, 8)");
  assertEquals(rotatedAndMasked(32, 8, 0xffn), "i32.shr_u(slot, 24)");
  assertEquals(rotatedAndMasked(32, -24, 0xffn), "i32.shr_u(slot, 24)");
  assertEquals(rotatedAndMasked(64, 40, -1n << 40n), "i64.shl(slot, 40)");
  assertEquals(rotatedAndMasked(64, 63, (1n << 63n) - 1n), "i64.shr_u(slot, 1)");
  assertEquals(rotatedAndMasked(32, 8, 0xffff_ff00n, true), "i64.extend_i32_u(i32.shl(slot, 8))");
  assertEquals(rotatedAndMasked(32, 8, -1n << 8n, true), "i64.extend_i32_u(i32.shl(slot, 8))");
});

Deno.test("any other mask stays one", () => {
  for (const mask of MASKS) {
    if (mask === 0xffn || (mask & 0xffff_ffffn) === 0xffff_ff00n) continue;
    assertEquals(rotatedAndMasked(32, 8, mask).startsWith("i32.and(i32.rotl("), true, `${mask}`);
  }
  assertEquals(rotatedAndMasked(64, 8, 0xffff_ff00n).startsWith("i64.and("), true);
  assertEquals(rotatedAndMasked(32, 32, 0xffff_ffffn).startsWith("i32.and("), true);
  assertEquals(rotatedAndMasked(32, 0, 0xffff_ffffn).startsWith("i32.and("), true);
  assertEquals(rotatedAndMasked(32, 0, 0n).startsWith("i32.and("), true);
});
