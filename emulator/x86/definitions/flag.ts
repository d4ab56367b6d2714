/** Instructions on single flags, and LAHF and SAHF. SDM vol. 2A and 2B, by mnemonic. */
import { FLAG } from "../flag_bits.ts";
import { cond, eflags, storedFlags, tellOfEnabled } from "../flags.ts";
import { requireIoPrivilege } from "../privilege.ts";
import type { Definition } from "../record.ts";
import { CARRY, EFLAGS_REST, RAX } from "../slots.ts";

/** CLC: CF <- 0. */
export const clc: Definition = {
  mnemonic: "clc",
  encodings: { "f8": "" },
  cycleClass: "alu",
  semantics(b) {
    b.write(CARRY, b.constant(32, 0));
  },
  examples: ["f8 | clc | cf=1 of=1 sf=1 => cf=0 of=1 sf=1"],
};

/** STC: CF <- 1. */
export const stc: Definition = {
  mnemonic: "stc",
  encodings: { "f9": "" },
  cycleClass: "alu",
  semantics(b) {
    b.write(CARRY, b.constant(32, 1));
  },
  examples: ["f9 | stc | cf=0 of=1 zf=1 => cf=1 of=1 zf=1", "f9 | stc | cf=1 of=0 => cf=1 of=0"],
};

/** CMC: CF <- NOT CF. */
export const cmc: Definition = {
  mnemonic: "cmc",
  encodings: { "f5": "" },
  cycleClass: "alu",
  semantics(b) {
    b.write(CARRY, b.xor(b.read(CARRY, 32), b.constant(32, 1)));
  },
  examples: ["f5 | cmc | cf=1 of=0 => cf=0 of=0", "f5 | cmc | cf=0 of=1 => cf=1 of=1"],
};

/** CLD, STD, CLI, STI: DF or IF <- 0 or 1; IF is above IOPL no one's to change. */
function kept(
  mnemonic: string,
  opcode: string,
  bit: bigint,
  value: 0 | 1,
  endsBlock: boolean,
  example: string,
): Definition {
  return {
    mnemonic,
    encodings: { [opcode]: "" },
    endsBlock,
    cycleClass: "alu",
    semantics(b, _operands, { variant }) {
      if (bit === FLAG.IF) requireIoPrivilege(b, variant);
      const rest = b.read(EFLAGS_REST, 64);
      b.write(EFLAGS_REST, value ? b.or(rest, b.constant(64, bit)) : b.and(rest, b.constant(64, ~bit)));
      if (bit === FLAG.IF && value) tellOfEnabled(b, rest);
    },
    examples: [example],
  };
}

export const cld = kept("cld", "fc", FLAG.DF, 0, false, "fc | cld | eflags=602 => eflags=202");
export const std = kept("std", "fd", FLAG.DF, 1, false, "fd | std | eflags=2 => eflags=402");
export const cli = kept("cli", "fa", FLAG.IF, 0, true, "fa | cli | eflags=202 => eflags=2");
export const sti = kept("sti", "fb", FLAG.IF, 1, true, "fb | sti | eflags=2 => eflags=202");

/** LAHF: AH <- SF ZF 0 AF 0 PF 1 CF. */
export const lahf: Definition = {
  mnemonic: "lahf",
  encodings: { "9f": "" },
  cycleClass: "alu",
  semantics(b) {
    b.write(RAX + 1, b.trunc(eflags(b), 8));
  },
  examples: ["9f | lahf | eax=0 cf=1 zf=1 af=1 sf=0 pf=1 => eax=5700"],
};

/** SAHF: SF ZF AF PF CF <- AH; OF stays. */
export const sahf: Definition = {
  mnemonic: "sahf",
  encodings: { "9e": "" },
  cycleClass: "alu",
  semantics(b) {
    const ah = b.zext(b.read(RAX + 1, 8), 64);
    const overflow = b.shl(b.zext(cond(b, 0), 64), b.constant(64, 11));
    b.flags(storedFlags(b, b.or(ah, overflow)));
  },
  examples: [
    "9e | sahf | eax=d500 of=1 => cf=1 pf=1 af=1 zf=1 sf=1 of=1",
    "9e | sahf | eax=0 of=0 cf=1 => cf=0 zf=0 pf=0",
  ],
};
