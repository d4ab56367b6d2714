/**
 * Load and store multiple and string (Power ISA 2.07B Book I 3.3.6 and 3.3.7). Little-endian guests have none of
 * them: an alignment interrupt. Multiples want a word-aligned address in mode 32, as on the 603 and 750; in mode 64
 * any will do, as on POWER.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { indexed } from "../address.ts";
import {
  type Definition,
  type FieldReader,
  type InstructionRecord,
  ppc,
  type Variant,
} from "../definition.ts";
import type { Operands } from "../operands.ts";
import { SLOT } from "../state.ts";

type Direction = "load" | "store";

/** `count` bytes between memory at `ea` and the registers from `number` on. */
function transfer<V extends Value>(
  b: Ops<V>,
  direction: Direction,
  { number, dsisr }: Operands<V>,
  { mode, order }: Variant,
  place: { readonly ea: V; readonly count: V; readonly aligned: boolean },
): void {
  const { ea, count, aligned } = place;
  const interrupt = () => b.trap("alignment", [b.zext(ea, 64), dsisr.word(b)]);
  if (order === "le") return interrupt();
  if (aligned && mode === 32) {
    b.when(b.ne(b.and(ea, b.constant(mode, 3)), b.constant(mode, 0)), interrupt);
  }
  b.trap(`${direction}String`, [b.zext(ea, 64), number.word(b), count, b.constant(32, mode)]);
}

/** RA in the range of registers that are loaded, RA=0 included. */
function lmwInvalid(field: FieldReader): string | undefined {
  return field("RA0") >= field("RT") ? "RA is among the registers loaded" : undefined;
}

function multiple(
  direction: Direction,
  mnemonic: string,
  opcode: number,
  rest: Pick<InstructionRecord, "invalid" | "examples">,
): Definition {
  const target = direction === "load" ? "RT" : "RS";
  return ppc(mnemonic, {
    pattern: `D-form: ${opcode} ${target} RA0 D`,
    syntax: `${target}, D(RA0)`,
    operands: ["RA0", "D", "number", "dsisr"],
    cycleClass: `${direction}-multiple`,
    semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant) {
      const { RA0, D, number } = operands, ea = b.add(RA0.read(b), D.read(b));
      const count = b.shl(b.sub(b.constant(32, 32), number.word(b)), b.constant(32, 2));
      transfer(b, direction, operands, variant, { ea, count, aligned: true });
    },
    ...rest,
  });
}

/** Load Multiple Word. RT to r31 <- words from EA on. */
export const lmw = multiple("load", "lmw", 46, {
  invalid: lmwInvalid,
  examples: [
    "bbc40004 | lmw r30, 4(r4) | r4=2000 [2004]=0102030489abcdef r30=-1 => r30=1020304 r31=89abcdef",
    "bbc40001 | lmw r30, 1(r4) | r4=2000 => trap=alignment(2001,1fc4) | 32",
  ],
});

/** Store Multiple Word. Words from EA on <- RS to r31. */
export const stmw = multiple("store", "stmw", 47, {
  examples: ["bfc4fffc | stmw r30, -4(r4) | r4=2004 r30=1 r31=80000000 => [2000]=0000000180000000"],
});

/** RA, and RB of the indexed one, in the range of registers that are loaded. */
function lswiInvalid(field: FieldReader): string | undefined {
  const count = Math.ceil((field("NB") || 32) / 4), at = (field("RA0") - field("RT") + 32) % 32;
  return at < count && field("RA0") !== 0 || field("RT") === 0 && field("RA0") === 0
    ? "RA is among the registers loaded"
    : undefined;
}

function immediate(
  direction: Direction,
  mnemonic: string,
  extended: number,
  rest: Pick<InstructionRecord, "invalid" | "examples">,
): Definition {
  const target = direction === "load" ? "RT" : "RS";
  return ppc(mnemonic, {
    pattern: `X-form: 31 ${target} RA0 NB ${extended} /1`,
    syntax: `${target}, RA0, NB`,
    operands: ["RA0", "NB", "number", "dsisr"],
    cycleClass: `${direction}-multiple`,
    semantics(b, operands, variant) {
      const { RA0, NB } = operands;
      transfer(b, direction, operands, variant, { ea: RA0.read(b), count: NB.word(b), aligned: false });
    },
    ...rest,
  });
}

/** Load String Word Immediate. NB bytes (32 for 0) from (RA|0) on into RT and on, left to right, r0 after r31. */
export const lswi = immediate("load", "lswi", 597, {
  invalid: lswiInvalid,
  examples: [
    "7fe434aa | lswi r31, r4, 6 | r4=2000 [2000]=010203848586 => r31=1020384 r0=85860000",
    "7ca40caa | lswi r5, r4, 1 | r4=2001 r5=-1 [2001]=80 => r5=80000000",
  ],
});

/** Store String Word Immediate. */
export const stswi = immediate("store", "stswi", 725, {
  examples: ["7fe43daa | stswi r31, r4, 7 | r4=2001 r31=1020304 r0=5060708 => [2001]=0102030405060700"],
});

function byCount(
  direction: Direction,
  mnemonic: string,
  extended: number,
  rest: Pick<InstructionRecord, "invalid" | "examples">,
): Definition {
  const target = direction === "load" ? "RT" : "RS";
  return ppc(mnemonic, {
    pattern: `X-form: 31 ${target} RA0 RB ${extended} /1`,
    syntax: `${target}, RA0, RB`,
    operands: ["RA0", "RB", "number", "dsisr"],
    cycleClass: `${direction}-multiple`,
    semantics(b, operands, variant) {
      const count = b.read(SLOT.xerCount, 32);
      transfer(b, direction, operands, variant, { ea: indexed(b, operands), count, aligned: false });
    },
    ...rest,
  });
}

/** Load String Word Indexed. XER57:63 bytes; none leaves RT, which the manual calls undefined, as it is. */
export const lswx = byCount("load", "lswx", 533, {
  invalid: (field) =>
    field("RT") === field("RA0") || field("RT") === field("RB")
      ? "RT is RA or RB, an invalid form"
      : undefined,
  examples: [
    "7cc42c2a | lswx r6, r4, r5 | r4=2000 r5=1 xer=5 [2001]=0102030405 => r6=1020304 r7=5000000",
    "7cc42c2a | lswx r6, r4, r5 | r4=2000 r5=1 r6=77 xer=0 => r6=77",
  ],
});

/** Store String Word Indexed. */
export const stswx = byCount("store", "stswx", 661, {
  examples: ["7cc42d2a | stswx r6, r4, r5 | r4=2000 r5=1 r6=1020304 xer=3 => [2000]=0001020300"],
});

export const MULTIPLE_STRING: readonly Definition[] = [lmw, stmw, lswi, stswi, lswx, stswx];
