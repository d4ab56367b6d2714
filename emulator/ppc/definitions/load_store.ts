/** Fixed-point loads and stores (Power ISA 2.07B Book I 3.3.2 to 3.3.5). Examples are big-endian. */
import type { Ops, Value } from "../../ir/ops.ts";
import { addressCells, type AddressMode, effectiveAddress, orderOf, updateInvalid } from "../address.ts";
import {
  type Definition,
  type FieldReader,
  type InstructionRecord,
  ppc,
  type Variant,
} from "../definition.ts";
import type { Operands } from "../operands.ts";

type Size = 8 | 16 | 32 | 64;

type Rest = Pick<InstructionRecord, "examples">;

/** A load: RT <- extend(MEM(EA, size)); with update RA <- EA after it. */
function load(
  mnemonic: string,
  mode: AddressMode,
  [opcode, extended]: readonly [number, number?],
  size: Size,
  extend: "zext" | "sext",
  rest: Rest & { reversed?: true },
): Definition {
  const update = mode.endsWith("u"), { reversed, examples } = rest;
  return ppc(mnemonic, {
    ...addressCells("RT", mode, opcode, extended),
    cycleClass: "load",
    // The doubleword loads, and lwa which extends to one, are a 64-bit implementation's.
    only: size === 64 || (size === 32 && extend === "sext") ? 64 : undefined,
    invalid: update ? loadUpdateInvalid : undefined,
    semantics<V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant) {
      const ea = effectiveAddress(b, operands, mode);
      const value = b.load(ea, size, { order: orderOf(variant, reversed) });
      operands.RT.write(b, b[extend](value, variant.mode));
      if (update) operands.RA.write(b, ea);
    },
    examples,
  });
}

/** A store: MEM(EA, size) <- the low bits of (RS); with update RA <- EA after it. */
function store(
  mnemonic: string,
  mode: AddressMode,
  [opcode, extended]: readonly [number, number?],
  size: Size,
  rest: Rest & { reversed?: true },
): Definition {
  const update = mode.endsWith("u"), { reversed, examples } = rest;
  return ppc(mnemonic, {
    ...addressCells("RS", mode, opcode, extended),
    cycleClass: "store",
    only: size === 64 ? 64 : undefined,
    invalid: update ? updateInvalid : undefined,
    semantics(b, operands, variant) {
      const ea = effectiveAddress(b, operands, mode);
      b.store(ea, b.trunc(operands.RS.read(b), size), { order: orderOf(variant, reversed) });
      if (update) operands.RA.write(b, ea);
    },
    examples,
  });
}

function loadUpdateInvalid(field: FieldReader): string | undefined {
  return updateInvalid(field) ??
    (field("RA") === field("RT") ? "RA=RT is invalid with update" : undefined);
}

/** Load Byte and Zero. RT <- 0 || MEM(EA, 1). */
export const LBZ = [
  load("lbz", "D", [34], 8, "zext", { examples: ["8864ffff | lbz r3, -1(r4) | r4=2001 [2000]=fe => r3=fe"] }),
  load("lbzu", "Du", [35], 8, "zext", {
    examples: ["8c640002 | lbzu r3, 2(r4) | r4=2000 [2002]=80 => r3=80 r4=2002"],
  }),
  load("lbzx", "X", [31, 87], 8, "zext", {
    examples: [
      "7c6428ae | lbzx r3, r4, r5 | r4=2000 r5=1 [2001]=07 => r3=7",
      "7c6028ae | lbzx r3, 0, r5 | r0=99 r5=2000 [2000]=07 => r3=7",
    ],
  }),
  load("lbzux", "Xu", [31, 119], 8, "zext", {
    examples: ["7c6428ee | lbzux r3, r4, r5 | r4=2000 r5=3 [2003]=0a => r3=a r4=2003"],
  }),
];

/** Load Halfword and Zero. RT <- 0 || MEM(EA, 2). */
export const LHZ = [
  load("lhz", "D", [40], 16, "zext", {
    examples: ["a0640000 | lhz r3, 0(r4) | r4=2000 [2000]=8001 => r3=8001"],
  }),
  load("lhzu", "Du", [41], 16, "zext", {
    examples: ["a4640004 | lhzu r3, 4(r4) | r4=2000 [2004]=1234 => r3=1234 r4=2004"],
  }),
  load("lhzx", "X", [31, 279], 16, "zext", {
    examples: ["7c642a2e | lhzx r3, r4, r5 | r4=2000 r5=1 [2001]=1234 => r3=1234"],
  }),
  load("lhzux", "Xu", [31, 311], 16, "zext", {
    examples: ["7c642a6e | lhzux r3, r4, r5 | r4=2000 r5=2 [2002]=1234 => r3=1234 r4=2002"],
  }),
];

/** Load Halfword Algebraic. RT <- EXTS(MEM(EA, 2)). */
export const LHA = [
  load("lha", "D", [42], 16, "sext", {
    examples: [
      "a8640000 | lha r3, 0(r4) | r4=2000 [2000]=8001 => r3=ffff8001 | 32",
      "a8640000 | lha r3, 0(r4) | r4=2000 [2000]=8001 => r3=ffffffffffff8001 | 64",
    ],
  }),
  load("lhau", "Du", [43], 16, "sext", {
    examples: ["ac64fffe | lhau r3, -2(r4) | r4=2002 [2000]=7fff => r3=7fff r4=2000"],
  }),
  load("lhax", "X", [31, 343], 16, "sext", {
    examples: [
      "7c642aae | lhax r3, r4, r5 | r4=2000 r5=2 [2002]=fffe => r3=fffffffe | 32",
      "7c642aae | lhax r3, r4, r5 | r4=2000 r5=2 [2002]=fffe => r3=fffffffffffffffe | 64",
    ],
  }),
  load("lhaux", "Xu", [31, 375], 16, "sext", {
    examples: ["7c642aee | lhaux r3, r4, r5 | r4=2000 r5=2 [2002]=0102 => r3=102 r4=2002"],
  }),
];

/** Load Word and Zero. RT <- 0 || MEM(EA, 4). */
export const LWZ = [
  load("lwz", "D", [32], 32, "zext", {
    examples: [
      "80610008 | lwz r3, 8(r1) | r1=2000 [2008]=89abcdef => r3=89abcdef",
      "80607ffc | lwz r3, 0x7ffc(0) | r0=5 [7ffc]=01020304 => r3=1020304",
      "8064fffc | lwz r3, -4(r4) | r4=0 [fffffffc]=01020304 => r3=1020304 | 32",
    ],
  }),
  load("lwzu", "Du", [33], 32, "zext", {
    examples: ["84640004 | lwzu r3, 4(r4) | r4=2000 [2004]=01020304 => r3=1020304 r4=2004"],
  }),
  load("lwzx", "X", [31, 23], 32, "zext", {
    examples: [
      "7c64282e | lwzx r3, r4, r5 | r4=2000 r5=ffffffff [1fff]=01020304 => r3=1020304 | 32",
      "7c64282e | lwzx r3, r4, r5 | r4=2000 r5=ffffffff [100001fff]=01020304 => r3=1020304 | 64",
    ],
  }),
  load("lwzux", "Xu", [31, 55], 32, "zext", {
    examples: ["7c64286e | lwzux r3, r4, r5 | r4=2000 r5=8 [2008]=01020304 => r3=1020304 r4=2008"],
  }),
];

/** Load Word Algebraic. RT <- EXTS(MEM(EA, 4)). */
export const LWA = [
  load("lwa", "DS", [58, 2], 32, "sext", {
    examples: ["e864000a | lwa r3, 8(r4) | r4=2000 [2008]=80000000 => r3=ffffffff80000000"],
  }),
  load("lwax", "X", [31, 341], 32, "sext", {
    examples: ["7c642aaa | lwax r3, r4, r5 | r4=2000 r5=4 [2004]=7fffffff => r3=7fffffff"],
  }),
  load("lwaux", "Xu", [31, 373], 32, "sext", {
    examples: ["7c642aea | lwaux r3, r4, r5 | r4=2000 r5=4 [2004]=fffffffe => r3=fffffffffffffffe r4=2004"],
  }),
];

/** Load Doubleword. RT <- MEM(EA, 8). */
export const LD = [
  load("ld", "DS", [58, 0], 64, "zext", {
    examples: ["e864fff8 | ld r3, -8(r4) | r4=2008 [2000]=0102030405060708 => r3=102030405060708"],
  }),
  load("ldu", "DSu", [58, 1], 64, "zext", {
    examples: ["e8640009 | ldu r3, 8(r4) | r4=2000 [2008]=8000000000000001 => r3=8000000000000001 r4=2008"],
  }),
  load("ldx", "X", [31, 21], 64, "zext", {
    examples: ["7c64282a | ldx r3, r4, r5 | r4=2000 r5=8 [2008]=0102030405060708 => r3=102030405060708"],
  }),
  load("ldux", "Xu", [31, 53], 64, "zext", {
    examples: [
      "7c64286a | ldux r3, r4, r5 | r4=2000 r5=8 [2008]=0102030405060708 => r3=102030405060708 r4=2008",
    ],
  }),
];

/** Load Halfword, Word, Doubleword Byte-Reverse Indexed. The bytes in the other order, zero-extended. */
export const LOAD_REVERSED = [
  load("lhbrx", "X", [31, 790], 16, "zext", {
    reversed: true,
    examples: ["7c642e2c | lhbrx r3, r4, r5 | r4=2000 r5=2 [2002]=0102 => r3=201"],
  }),
  load("lwbrx", "X", [31, 534], 32, "zext", {
    reversed: true,
    examples: ["7c602c2c | lwbrx r3, 0, r5 | r5=2000 [2000]=01020384 => r3=84030201"],
  }),
  load("ldbrx", "X", [31, 532], 64, "zext", {
    reversed: true,
    examples: ["7c602c28 | ldbrx r3, 0, r5 | r5=2000 [2000]=0102030405060708 => r3=807060504030201"],
  }),
];

/** Store Byte. MEM(EA, 1) <- (RS)56:63. */
export const STB = [
  store("stb", "D", [38], 8, { examples: ["98640001 | stb r3, 1(r4) | r3=1234 r4=2000 => [2001]=34"] }),
  store("stbu", "Du", [39], 8, {
    examples: ["9c64ffff | stbu r3, -1(r4) | r3=34 r4=2001 => [2000]=34 r4=2000"],
  }),
  store("stbx", "X", [31, 215], 8, { examples: ["7c6029ae | stbx r3, 0, r5 | r3=34 r5=2000 => [2000]=34"] }),
  store("stbux", "Xu", [31, 247], 8, {
    examples: ["7c6429ee | stbux r3, r4, r5 | r3=34 r4=2000 r5=5 => [2005]=34 r4=2005"],
  }),
];

/** Store Halfword. MEM(EA, 2) <- (RS)48:63. */
export const STH = [
  store("sth", "D", [44], 16, { examples: ["b0640002 | sth r3, 2(r4) | r3=123456 r4=2000 => [2002]=3456"] }),
  store("sthu", "Du", [45], 16, { examples: ["b4840002 | sthu r4, 2(r4) | r4=2000 => [2002]=2000 r4=2002"] }),
  store("sthx", "X", [31, 407], 16, {
    examples: ["7c642b2e | sthx r3, r4, r5 | r3=1 r4=2000 r5=3 => [2003]=0001"],
  }),
  store("sthux", "Xu", [31, 439], 16, {
    examples: ["7c642b6e | sthux r3, r4, r5 | r3=8001 r4=2000 r5=4 => [2004]=8001 r4=2004"],
  }),
];

/** Store Word. MEM(EA, 4) <- (RS)32:63. */
export const STW = [
  store("stw", "D", [36], 32, {
    examples: ["90640004 | stw r3, 4(r4) | r3=89abcdef r4=2000 => [2004]=89abcdef"],
  }),
  store("stwu", "Du", [37], 32, {
    examples: ["9421fff0 | stwu r1, -0x10(r1) | r1=2010 => [2000]=00002010 r1=2000"],
  }),
  store("stwx", "X", [31, 151], 32, {
    examples: ["7c64292e | stwx r3, r4, r5 | r3=1 r4=2000 r5=4 => [2004]=00000001"],
  }),
  store("stwux", "Xu", [31, 183], 32, {
    examples: ["7c64296e | stwux r3, r4, r5 | r3=1 r4=2000 r5=4 => [2004]=00000001 r4=2004"],
  }),
];

/** Store Doubleword. MEM(EA, 8) <- (RS). */
export const STD = [
  store("std", "DS", [62, 0], 64, {
    examples: ["f8640008 | std r3, 8(r4) | r3=102030405060708 r4=2000 => [2008]=0102030405060708"],
  }),
  store("stdu", "DSu", [62, 1], 64, {
    examples: ["f821ffe1 | stdu r1, -0x20(r1) | r1=2020 => [2000]=0000000000002020 r1=2000"],
  }),
  store("stdx", "X", [31, 149], 64, {
    examples: ["7c60292a | stdx r3, 0, r5 | r3=1 r5=2000 => [2000]=0000000000000001"],
  }),
  store("stdux", "Xu", [31, 181], 64, {
    examples: ["7c64296a | stdux r3, r4, r5 | r3=1 r4=2000 r5=8 => [2008]=0000000000000001 r4=2008"],
  }),
];

/** Store Halfword, Word, Doubleword Byte-Reverse Indexed. */
export const STORE_REVERSED = [
  store("sthbrx", "X", [31, 918], 16, {
    reversed: true,
    examples: ["7c642f2c | sthbrx r3, r4, r5 | r3=1234 r4=2000 r5=4 => [2004]=3412"],
  }),
  store("stwbrx", "X", [31, 662], 32, {
    reversed: true,
    examples: ["7c602d2c | stwbrx r3, 0, r5 | r3=12345678 r5=2000 => [2000]=78563412"],
  }),
  store("stdbrx", "X", [31, 660], 64, {
    reversed: true,
    examples: ["7c602d28 | stdbrx r3, 0, r5 | r3=102030405060708 r5=2000 => [2000]=0807060504030201"],
  }),
];

export const LOAD_STORE: readonly Definition[] = [
  ...[LBZ, LHZ, LHA, LWZ, LWA, LD, LOAD_REVERSED, STB, STH, STW, STD, STORE_REVERSED].flat(),
];
