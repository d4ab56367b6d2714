/**
 * Load and reserve, store conditional (Power ISA 2.07B Book II 4.4.2). The reservation is on the bytes loaded and
 * remembers their value: a store conditional to another address or of another size is not performed, nor one whose
 * bytes have changed, whoever changed them. A misaligned address is an alignment interrupt.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { indexed, orderOf } from "../address.ts";
import { type Definition, ppc, type Variant } from "../definition.ts";
import type { Operands } from "../operands.ts";
import { CR_BIT, crField, type PpcMode, SLOT } from "../state.ts";

type Size = 8 | 16 | 32 | 64;

/** EA, after an alignment interrupt if it is no multiple of the size. */
function alignedAddress<V extends Value>(b: Ops<V>, operands: Operands<V>, size: Size, mode: PpcMode): V {
  const ea = indexed(b, operands);
  if (size === 8) return ea;
  const low = b.and(ea, b.constant(mode, size / 8 - 1));
  b.when(b.ne(low, b.constant(mode, 0)), () => {
    b.trap("alignment", [b.zext(ea, 64), operands.dsisr.word(b)]);
  });
  return ea;
}

/** RESERVE <- 1; RESERVE_ADDR <- EA; RT <- 0 || MEM(EA, size). */
function loadAndReserve(
  mnemonic: string,
  extended: number,
  size: Size,
  only: PpcMode | undefined,
  examples: readonly string[],
): Definition {
  return ppc(mnemonic, {
    pattern: `X-form: 31 RT RA0 RB ${extended} EH`,
    syntax: "RT, RA0, RB, EH",
    aliases: [`${mnemonic} RT, RA0, RB | EH=0`],
    also: ["dsisr"],
    only,
    invalid: (field, mode) => field("EH") && mode === 32 ? "EH=1 needs mode 64" : undefined,
    cycleClass: "load",
    semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant) {
      const ea = alignedAddress(b, operands, size, variant.mode);
      const value = b.load(ea, size, { order: orderOf(variant) });
      operands.RT.write(b, b.zext(value, variant.mode));
      b.write(SLOT.reserve, b.constant(64, size / 8));
      b.write(SLOT.reserveAddress, b.zext(ea, 64));
      b.write(SLOT.reserveValue, b.zext(value, 64));
    },
    examples,
  });
}

/** MEM(EA, size) <- (RS) if the reservation holds; CR0 <- 0b00 || performed || SO; RESERVE <- 0. */
function storeConditional(
  mnemonic: string,
  extended: number,
  size: Size,
  only: PpcMode | undefined,
  examples: readonly string[],
): Definition {
  return ppc(mnemonic, {
    pattern: `X-form: 31 RS RA0 RB ${extended} 1:1`,
    syntax: "RS, RA0, RB",
    also: ["dsisr"],
    only,
    cycleClass: "store",
    semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant) {
      const order = orderOf(variant), ea = alignedAddress(b, operands, size, variant.mode);
      const sameSize = b.eq(b.read(SLOT.reserve, 64), b.constant(64, size / 8));
      const samePlace = b.eq(b.read(SLOT.reserveAddress, 64), b.zext(ea, 64));
      const found = b.zext(b.load(ea, size, { order, forWrite: true }), 64);
      const same = b.eq(b.read(SLOT.reserveValue, 64), found);
      const performed = b.and(b.and(sameSize, samePlace), same);
      b.when(performed, () => b.store(ea, b.trunc(operands.RS.read(b), size), { order }));
      b.write(SLOT.reserve, b.constant(64, 0));
      const equal = b.select(performed, b.constant(32, CR_BIT.eq), b.constant(32, 0));
      b.write(crField(0), b.or(equal, b.read(SLOT.so, 32)));
    },
    examples,
  });
}

export const lwarx = loadAndReserve("lwarx", 20, 32, undefined, [
  "7c642828 | lwarx r3, r4, r5 | r4=2000 r5=4 [2004]=89abcdef => r3=89abcdef",
  "7c642828 | lwarx r3, r4, r5 | r4=2000 r5=5 => trap=alignment(2005,64)",
]);
export const ldarx = loadAndReserve("ldarx", 84, 64, 64, [
  "7c6028a8 | ldarx r3, 0, r5 | r5=2000 [2000]=8000000000000001 => r3=8000000000000001",
  "7c6028a9 | ldarx r3, 0, r5, 1 | r5=2000 [2000]=8000000000000001 => r3=8000000000000001",
]);
export const lbarx = loadAndReserve("lbarx", 52, 8, 64, [
  "7c602868 | lbarx r3, 0, r5 | r5=2001 [2001]=80 => r3=80",
]);
export const lharx = loadAndReserve("lharx", 116, 16, 64, [
  "7c6028e8 | lharx r3, 0, r5 | r5=2002 [2002]=8001 => r3=8001",
]);

export const stwcx = storeConditional("stwcx.", 150, 32, undefined, [
  "7c64292d | stwcx. r3, r4, r5 | r3=5 r4=2000 r5=4 so=1 [2004]=89abcdef => [2004]=89abcdef cr0=1",
  "7c64292d | stwcx. r3, r4, r5 | r3=5 r4=2000 r5=4 reserve=4 reserve_address=2004 reserve_value=1 [2004]=00000001 => [2004]=00000005 cr0=2 reserve=0",
  "7c64292d | stwcx. r3, r4, r5 | r3=5 r4=2000 r5=4 reserve=4 reserve_address=2004 reserve_value=2 [2004]=00000001 => [2004]=00000001 cr0=0 reserve=0",
]);
export const stdcx = storeConditional("stdcx.", 214, 64, 64, [
  "7c6029ad | stdcx. r3, 0, r5 | r3=5 r5=2000 reserve=8 reserve_address=2000 => [2000]=0000000000000005 cr0=2",
]);
export const stbcx = storeConditional("stbcx.", 694, 8, 64, [
  "7c602d6d | stbcx. r3, 0, r5 | r3=5 r5=2001 reserve=4 reserve_address=2001 => [2001]=00 cr0=0 reserve=0",
]);
export const sthcx = storeConditional("sthcx.", 726, 16, 64, [
  "7c602dad | sthcx. r3, 0, r5 | r3=5 r5=2002 reserve=2 reserve_address=2000 => [2002]=0000 cr0=0",
  "7c602dad | sthcx. r3, 0, r5 | r3=5 r5=2002 reserve=2 reserve_address=2002 => [2002]=0005 cr0=2 reserve=0",
]);

export const RESERVATION: readonly Definition[] = [
  ...[lwarx, ldarx, lbarx, lharx, stwcx, stdcx, stbcx, sthcx],
];
