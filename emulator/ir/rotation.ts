/** What a rotate and a mask come to where both are known: PowerPC writes its shifts so. */
import type { Node } from "./nodes.ts";
import type { Ops } from "./ops.ts";

/** `rotated` and `mask` as a shift, if the mask has just the bits that a shift leaves. */
export function asShift(b: Ops<Node>, { source, width }: Node, mask: bigint): Node | undefined {
  if (source.kind !== "operator") return undefined;
  const [from, n] = source.operands;
  switch (source.emit[0]) {
    case "i64.extend_i32_u": {
      // The upper half is 0, whatever the mask has there.
      const low = asShift(b, from, mask & 0xffff_ffffn);
      return low && b.zext(low, 64);
    }
    case "i32.rotl":
    case "i64.rotl": {
      if (n.constant === undefined) return undefined;
      const count = n.constant % BigInt(width);
      if (count === 0n) return undefined;
      if (mask === BigInt.asUintN(width, -1n << count)) return b.shl(from, b.constant(width, count));
      if (mask === (1n << count) - 1n) return b.shr(from, b.constant(width, BigInt(width) - count));
    }
  }
  return undefined;
}
