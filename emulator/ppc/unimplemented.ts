/**
 * Instructions that processors of the project's classes have and the project does not, by opcode: what is neither here
 * nor defined is illegal. Extended opcodes are bits 21 to 30. Mode 64 knows Power ISA 2.07B's opcode maps and those
 * that 3.0B added (POWER9), mode 32 the 603's and the 750's own (MPC603e User's Manual 2.3, PowerPC 750 User's
 * Manual 2.3). Where a whole primary opcode belongs to a facility that is left out, every word of it counts as such.
 */
import { foreignMnemonic } from "./foreign.ts";
import type { PpcMode } from "./state.ts";

type Names = Readonly<Record<number, string>>;

const EXTENDED_32: Readonly<Record<number, Names>> = {
  31: { 310: "eciwx", 438: "ecowx", 470: "dcbi", 978: "tlbld", 1010: "tlbli" },
};

const EXTENDED_64: Readonly<Record<number, Names>> = {
  0: { 256: "attn" },
  19: {
    ...{ 82: "rfscv", 146: "rfebb", 274: "hrfid", 306: "urfid", 370: "stop" },
    ...{ 402: "doze", 434: "nap", 466: "sleep", 498: "rvwinkle", 560: "bctar" },
  },
  31: {
    // Vectors and VSX.
    ...{ 6: "lvsl", 7: "lvebx", 12: "lxsiwzx", 38: "lvsr", 39: "lvehx", 51: "mfvsrd", 71: "lvewx" },
    ...{ 76: "lxsiwax", 103: "lvx", 115: "mfvsrwz", 135: "stvebx", 140: "stxsiwx", 167: "stvehx" },
    ...{ 179: "mtvsrd", 199: "stvewx", 211: "mtvsrwa", 231: "stvx", 243: "mtvsrwz", 268: "lxvx" },
    ...{ 269: "lxvl", 301: "lxvll", 307: "mfvsrld", 332: "lxvdsx", 342: "dst", 359: "lvxl", 364: "lxvwsx" },
    ...{ 374: "dstst", 396: "stxvx", 397: "stxvl", 403: "mtvsrws", 429: "stxvll", 435: "mtvsrdd" },
    ...{ 487: "stvxl", 524: "lxsspx", 588: "lxsdx", 652: "stxsspx", 716: "stxsdx", 780: "lxvw4x" },
    ...{ 781: "lxsibzx", 812: "lxvh8x", 813: "lxsihzx", 822: "dss", 844: "lxvd2x", 876: "lxvb16x" },
    ...{ 908: "stxvw4x", 909: "stxsibx", 940: "stxvh8x", 941: "stxsihx", 972: "stxvd2x", 1004: "stxvb16x" },
    // Integers, 3.0B's and decimal.
    ...{ 74: "addg6s", 128: "setb", 170: "addex", 426: "addex", 682: "addex", 938: "addex", 192: "cmprb" },
    ...{ 224: "cmpeqb", 265: "modud", 267: "moduw", 282: "cdtbcd", 314: "cbcdtd", 538: "cnttzw" },
    ...{ 570: "cnttzd", 576: "mcrxrx", 755: "darn", 777: "modsd", 779: "modsw", 890: "extswsli" },
    ...{ 891: "extswsli" },
    // Storage, caches, translation.
    ...{ 22: "icbt", 276: "lqarx", 182: "stqcx.", 582: "lwat", 614: "ldat", 710: "stwat", 742: "stdat" },
    ...{
      309: "ldmx",
      774: "copy",
      838: "cpabort",
      902: "paste.",
      791: "lfdpx",
      919: "stfdpx",
      470: "dcbi",
      758: "dcba",
    },
    ...{ 310: "eciwx", 438: "ecowx", 210: "mtsr", 242: "mtsrin", 595: "mfsr", 659: "mfsrin" },
    ...{ 82: "mtsrd", 114: "mtsrdin", 274: "tlbiel", 306: "tlbie", 370: "tlbia", 566: "tlbsync" },
    ...{ 402: "slbmte", 434: "slbie", 466: "slbieg", 498: "slbia", 338: "slbsync", 850: "slbiag" },
    ...{ 851: "slbmfev", 915: "slbmfee", 979: "slbfee.", 882: "rmieg" },
    // Hypervisors, messages, waiting.
    ...{ 30: "wait", 62: "wait", 142: "msgsndp", 174: "msgclrp", 206: "msgsnd", 238: "msgclr" },
    ...{ 78: "msgsndu", 110: "msgclru", 886: "msgsync", 302: "mfbhrbe", 430: "clrbhrb", 406: "icswx" },
    ...{ 147: "mtsle", 789: "lwzcix", 821: "lhzcix", 853: "lbzcix", 885: "ldcix", 917: "stwcix" },
    ...{ 949: "sthcix", 981: "stbcix", 1013: "stdcix" },
    // Transactional memory.
    ...{ 654: "tbegin.", 686: "tend.", 718: "tcheck", 750: "tsr.", 782: "tabortwc.", 814: "tabortdc." },
    ...{ 846: "tabortwci.", 878: "tabortdci.", 910: "tabort.", 942: "treclaim.", 1006: "trechkpt." },
  },
};

/** Whole primary opcodes of mode 64. */
const PRIMARY_64: Names = {
  ...{ 4: "a vector instruction", 56: "lq", 57: "a floating-point load", 59: "a floating-point instruction" },
  ...{ 60: "a VSX instruction", 61: "a floating-point store", 63: "a floating-point instruction" },
};

/** Opcodes whose instructions are told apart by bits 21 to 30. */
const HAS_EXTENDED = new Set([4, 19, 31, 59, 60, 63]);

/** A word that has no definition. */
export interface Undefined {
  readonly reason: string;
  /** No processor of the class has it. */
  readonly invalid: boolean;
}

/** Why a word without a definition is not decoded. */
export function undefinedWord(word: number, mode: PpcMode): Undefined {
  const primary = word >>> 26, extended = word >>> 1 & 0x3ff;
  const known = mode === 32 ? EXTENDED_32[primary]?.[extended] : known64(word, primary, extended);
  const name = known ?? (mode === 32 ? foreignMnemonic(word) : undefined);
  const opcode = `primary opcode ${primary}` + (HAS_EXTENDED.has(primary) ? `, extended ${extended}` : "");
  const bytes = word.toString(16).padStart(8, "0");
  const invalid = known === undefined;
  const what = invalid ? "is no instruction of this processor" : "is not implemented";
  return { reason: `${name ? `${name} (${opcode})` : opcode} ${what} (word ${bytes})`, invalid };
}

function known64(word: number, primary: number, extended: number): string | undefined {
  // Forms with shorter extended opcodes: scv, addpcis, stq.
  if (primary === 17 && (word & 3) === 1) return "scv";
  if (primary === 19 && (word & 0x3e) === 4) return "addpcis";
  if (primary === 62 && (word & 3) === 2) return "stq";
  return EXTENDED_64[primary]?.[extended] ?? PRIMARY_64[primary];
}
