/**
 * Cache management (Power ISA 2.07B Book II 4.3). There is no cache: what only moves data between cache and memory
 * does nothing, and code that is changed is noticed without being told.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { indexed } from "../address.ts";
import { type Definition, ppc } from "../definition.ts";
import type { Operands } from "../operands.ts";
import { MSR, type PpcMode, SLOT } from "../state.ts";

/**
 * Where addresses are translated, the block's has to be one that can be loaded from (Book II 4.3.2; Programming
 * Environments Manual 6.4.3): the only thing that these can be seen to do.
 */
function touchTranslated<V extends Value>(b: Ops<V>, operands: Operands<V>): void {
  const translated = b.and(b.read(SLOT.msr, 32), b.constant(32, MSR.DR));
  b.when(b.ne(translated, b.constant(32, 0)), () => b.trap("touch", [b.zext(indexed(b, operands), 64)]));
}

/** Bytes of a cache line: 603 and 750, POWER7 to 9. */
const LINE = { 32: 32, 64: 128 } as const;

function touching(mnemonic: string, extended: number, examples: readonly string[]): Definition {
  return ppc(mnemonic, {
    pattern: `X-form: 31 /5 RA0 RB ${extended} /1`,
    syntax: "RA0, RB",
    cycleClass: "cache",
    semantics: touchTranslated,
    examples,
  });
}

/** Data Cache Block Touch, and for Store: hints. TH says which kind in mode 64. */
function touch(mnemonic: string, extended: number, examples: readonly string[]): Definition {
  return ppc(mnemonic, {
    pattern: `X-form: 31 TH RA0 RB ${extended} /1`,
    syntax: "RA0, RB, TH",
    aliases: [`${mnemonic} RA0, RB | TH=0`, `${mnemonic}t RA0, RB | TH=16`],
    operands: [],
    invalid: (field, mode) => field("TH") && mode === 32 ? "TH needs mode 64" : undefined,
    cycleClass: "cache",
    semantics() {},
    examples,
  });
}

export const dcbt = touch("dcbt", 278, [
  "7c00222c | dcbt 0, r4 |",
  "7c43222c | dcbt r3, r4, 2 | | 64",
  "7e03222c | dcbtt r3, r4 | | 64",
]);
export const dcbtst = touch("dcbtst", 246, ["7c0321ec | dcbtst r3, r4 |"]);

/** Data Cache Block Store. */
export const dcbst = touching("dcbst", 54, [
  "7c03206c | dcbst r3, r4 |",
  "7c03206c | dcbst r3, r4 | msr=10 r3=2000 r4=1 => trap.touch=2001",
]);

/** Data Cache Block Flush. L: local flushes. */
export const dcbf = ppc("dcbf", {
  pattern: "X-form: 31 /3 L2 RA0 RB 86 /1",
  syntax: "RA0, RB, L2",
  aliases: ["dcbf RA0, RB | L2=0", "dcbfl RA0, RB | L2=1", "dcbflp RA0, RB | L2=3"],
  invalid: (field, mode) => {
    if (field("L2") === 2) return "L=2 is reserved";
    return field("L2") && mode === 32 ? `L=${field("L2")} needs mode 64` : undefined;
  },
  cycleClass: "cache",
  semantics: touchTranslated,
  examples: ["7c0320ac | dcbf r3, r4 |", "7c2320ac | dcbfl r3, r4 | | 64"],
});

/** Instruction Cache Block Invalidate. */
export const icbi = touching("icbi", 982, ["7c0027ac | icbi 0, r4 |"]);

/** Data Cache Block set to Zero. The line that holds EA <- 0, of 32 bytes in mode 32 and of 128 in mode 64. */
export const dcbz = ppc("dcbz", {
  pattern: "X-form: 31 /5 RA0 RB 1014 /1",
  syntax: "RA0, RB",
  cycleClass: "store",
  semantics<V extends Value>(
    b: Ops<V>,
    operands: Parameters<typeof indexed<V>>[1],
    { mode }: { mode: PpcMode },
  ) {
    const size = LINE[mode], line = b.and(indexed(b, operands), b.constant(mode, -size));
    for (let at = 0; at < size; at += 8) b.store(b.add(line, b.constant(mode, at)), b.constant(64, 0));
  },
  examples: [
    "7c0027ec | dcbz 0, r4 | r4=201f [1ffc]=ffffffffff [201e]=ffffff => [1ffc]=ffffffff00 [201e]=0000ff | 32",
    "7c0027ec | dcbz 0, r4 | r4=207f [1ffc]=ffffffffff [207e]=ffffff => [1ffc]=ffffffff00 [207e]=0000ff | 64",
  ],
});

export const CACHE: readonly Definition[] = [dcbt, dcbtst, dcbst, dcbf, icbi, dcbz];
