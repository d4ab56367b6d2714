/**
 * Names of instructions that the project does not have, for the message: `[primary, extended, mnemonic]`.
 * Extended opcodes are bits 21 to 30, as in the opcode maps of Power ISA 2.07B.
 */
import { foreignMnemonic } from "./foreign.ts";

const EXTENDED: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  19: { 274: "hrfid", 402: "doze", 434: "nap", 466: "sleep", 498: "rvwinkle", 198: "rfebb" },
  31: {
    ...{ 276: "lqarx", 182: "stqcx.", 470: "dcbi", 758: "dcba", 22: "icbt", 595: "mfsr", 210: "mtsr" },
    ...{ 274: "tlbiel", 370: "tlbia", 566: "tlbsync", 498: "slbia", 434: "slbie", 402: "slbmte" },
    ...{ 851: "slbmfev", 915: "slbmfee", 310: "eciwx", 438: "ecowx", 103: "lvx", 231: "stvx" },
    ...{ 238: "msgclr", 206: "msgsnd", 30: "wait", 62: "wait", 791: "lfdpx", 919: "stfdpx" },
  },
};

const PRIMARY: Readonly<Record<number, string>> = {
  ...{ 4: "a vector instruction", 56: "lq", 57: "lfdp", 59: "a floating-point instruction" },
  ...{ 60: "a VSX instruction", 61: "stfdp", 63: "a floating-point instruction" },
};

/** Opcodes whose instructions are told apart by bits 21 to 30. */
const HAS_EXTENDED = new Set([4, 19, 31, 59, 60, 63]);

/** Why a word without a definition is not decoded. */
export function unimplementedReason(word: number): string {
  const primary = word >>> 26, extended = word >>> 1 & 0x3ff;
  const name = EXTENDED[primary]?.[extended] ?? PRIMARY[primary] ?? foreignMnemonic(word);
  const opcode = `primary opcode ${primary}` + (HAS_EXTENDED.has(primary) ? `, extended ${extended}` : "");
  const bytes = word.toString(16).padStart(8, "0");
  return `${name ? `${name} (${opcode})` : opcode} is not implemented (word ${bytes})`;
}
