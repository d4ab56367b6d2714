/**
 * Names of instructions that the project does not have, for the message: `[primary, extended, mnemonic]`.
 * Extended opcodes are bits 21 to 30, as in the opcode maps of Power ISA 2.07B.
 */
const EXTENDED: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  19: { 274: "hrfid", 402: "doze", 434: "nap", 466: "sleep", 498: "rvwinkle", 198: "rfebb" },
  31: {
    ...{ 15: "isel", 47: "isel", 20: "lwarx", 84: "ldarx", 52: "lbarx", 116: "lharx", 150: "stwcx." },
    ...{ 214: "stdcx.", 694: "stbcx.", 726: "sthcx.", 54: "dcbst", 86: "dcbf", 246: "dcbtst", 278: "dcbt" },
    ...{ 470: "dcbi", 758: "dcba", 982: "icbi", 1014: "dcbz", 22: "icbt", 122: "popcntb", 154: "prtyw" },
    ...{ 186: "prtyd", 252: "bpermd", 508: "cmpb", 512: "mcrxr", 595: "mfsr", 659: "mfsrin", 210: "mtsr" },
    ...{ 242: "mtsrin", 306: "tlbie", 274: "tlbiel", 370: "tlbia", 566: "tlbsync", 498: "slbia" },
    ...{ 434: "slbie", 402: "slbmte", 851: "slbmfev", 915: "slbmfee", 533: "lswx", 597: "lswi" },
    ...{ 661: "stswx", 725: "stswi", 310: "eciwx", 438: "ecowx", 425: "divde", 393: "divdeu", 427: "divwe" },
    ...{ 395: "divweu", 535: "lfsx", 567: "lfsux", 599: "lfdx", 631: "lfdux", 663: "stfsx", 695: "stfsux" },
    ...{ 727: "stfdx", 759: "stfdux", 983: "stfiwx", 855: "lfiwax", 887: "lfiwzx", 103: "lvx", 231: "stvx" },
    ...{ 238: "msgclr", 206: "msgsnd", 30: "wait", 62: "wait" },
  },
};

const PRIMARY: Readonly<Record<number, string>> = {
  ...{ 4: "a vector instruction", 46: "lmw", 47: "stmw", 48: "lfs", 49: "lfsu", 50: "lfd", 51: "lfdu" },
  ...{
    52: "stfs",
    53: "stfsu",
    54: "stfd",
    55: "stfdu",
    56: "lq",
    57: "lfdp",
    59: "a floating-point instruction",
  },
  ...{ 60: "a VSX instruction", 61: "stfdp", 63: "a floating-point instruction" },
};

/** Opcodes whose instructions are told apart by bits 21 to 30. */
const HAS_EXTENDED = new Set([4, 19, 31, 59, 60, 63]);

/** Why a word without a definition is not decoded. */
export function unimplementedReason(word: number): string {
  const primary = word >>> 26, extended = word >>> 1 & 0x3ff;
  const name = EXTENDED[primary]?.[extended] ?? PRIMARY[primary];
  const opcode = `primary opcode ${primary}` + (HAS_EXTENDED.has(primary) ? `, extended ${extended}` : "");
  const bytes = word.toString(16).padStart(8, "0");
  return `${name ? `${name} (${opcode})` : opcode} is not implemented (word ${bytes})`;
}
