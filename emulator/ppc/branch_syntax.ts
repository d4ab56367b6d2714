/**
 * Mnemonics of conditional branches: BO and BI as `bne`, `bdnzt`, `beqlr` (Power ISA 2.07B Book I
 * appendix E.2), with the prediction hint `+` or `-`: mode 64 has the two "at" bits, mode 32 (603, 750) the
 * "y" bit, which reverses a default (backward taken, all else not taken).
 */
import type { PpcMode } from "./state.ts";

/** What a mnemonic asks for. */
export interface BranchMnemonic {
  /** Decrement CTR and branch if it is then not 0, or 0. */
  readonly counter?: "dnz" | "dz";
  /** Branch if the condition's bit is 1, or 0. */
  readonly sense?: "t" | "f";
  /** Bit within a field; without it the condition is an operand of its own (`bdnzt eq, target`). */
  readonly bit?: number;
}

/** Conditions in the order of their bits, then the synonyms that are only accepted. */
const CONDITIONS: readonly (readonly [string, "t" | "f", number])[] = [
  ...[["lt", "t", 0], ["gt", "t", 1], ["eq", "t", 2], ["so", "t", 3]] as const,
  ...[["ge", "f", 0], ["le", "f", 1], ["ne", "f", 2], ["ns", "f", 3]] as const,
  ...[["nl", "f", 0], ["ng", "f", 1], ["un", "t", 3], ["nu", "f", 3]] as const,
];

/** What follows `b` in every mnemonic, except for the suffixes. */
export const BRANCH_STEMS: ReadonlyMap<string, BranchMnemonic> = new Map<string, BranchMnemonic>([
  ...CONDITIONS.map(([name, sense, bit]): [string, BranchMnemonic] => [name, { sense, bit }]),
  ...(["dnz", "dz"] as const).flatMap((counter): [string, BranchMnemonic][] => [
    [counter, { counter }],
    [`${counter}t`, { counter, sense: "t" }],
    [`${counter}f`, { counter, sense: "f" }],
  ]),
]);

export type Hint = "" | "+" | "-";

/** What hint bits need to know: the mode, and whether the branch goes backward by displacement. */
export interface HintSite {
  readonly mode: PpcMode;
  readonly backward: boolean;
}

/** BO without hint bits. */
function plainBo({ counter, sense }: BranchMnemonic): number {
  const condition = sense ? (sense === "t" ? 8 : 0) : 16;
  return condition | (counter ? (counter === "dz" ? 2 : 0) : 4);
}

/** The "at" bits of a mnemonic; branches on counter and condition have none. */
function atBits({ counter, sense }: BranchMnemonic): { a: number; t: number } | undefined {
  if (counter && sense) return undefined;
  return counter ? { a: 8, t: 1 } : { a: 2, t: 1 };
}

/** BO of a mnemonic with its hint; undefined where there is no such hint. */
export function encodeBo(mnemonic: BranchMnemonic, hint: Hint, site: HintSite): number | undefined {
  const bo = plainBo(mnemonic);
  if (!hint) return bo;
  if (site.mode === 32) return (hint === "+") === site.backward ? bo : bo | 1;
  const at = atBits(mnemonic);
  return at && bo | at.a | (hint === "+" ? at.t : 0);
}

/** The mnemonic and hint that encode as `bo` and `bi`, if any. */
export function decodeBo(
  bo: number,
  bi: number,
  site: HintSite,
): { stem: string; mnemonic: BranchMnemonic; hint: Hint } | undefined {
  for (const [stem, mnemonic] of BRANCH_STEMS) {
    if (mnemonic.bit !== undefined && mnemonic.bit !== (bi & 3)) continue;
    if (!mnemonic.sense && bi !== 0) continue;
    for (const hint of ["", "+", "-"] as const) {
      if (encodeBo(mnemonic, hint, site) === bo) return { stem, mnemonic, hint };
    }
  }
}

/** BO of a branch that is always taken. */
export const ALWAYS = 20;
