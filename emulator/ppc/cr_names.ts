/** Condition register bits by name: `eq`, `4*cr7+lt`. */
const BIT_NAMES = ["lt", "gt", "eq", "so"] as const;
const BIT_VALUES: Readonly<Record<string, number>> = { lt: 0, gt: 1, eq: 2, so: 3, un: 3 };

/** Words that are no symbols: the bits' names. */
export const CR_WORDS: readonly string[] = Object.keys(BIT_VALUES);

/** `bit` 0 to 31 as assemblers write it; field 0 goes without its name. */
export function crBitText(bit: number): string {
  const name = BIT_NAMES[bit & 3];
  return bit < 4 ? name : `4*cr${bit >> 2}+${name}`;
}

/** Reads `eq`, `4*cr1+eq`, `cr1*4+eq`, `4*cr1` or `cr1.eq`; undefined for anything else. */
export function parseCrBit(text: string): number | undefined {
  const compact = text.replace(/\s+/g, "").toLowerCase();
  const match =
    /^(?:(?:4\*%?cr([0-7])|%?cr([0-7])\*4)(?:\+(lt|gt|eq|so|un|[0-3]))?|%?cr([0-7])\.(lt|gt|eq|so|un))$/
      .exec(compact);
  if (!match) return BIT_VALUES[compact];
  const field = Number(match[1] ?? match[2] ?? match[4]), bit = match[3] ?? match[5] ?? "0";
  return 4 * field + (BIT_VALUES[bit] ?? Number(bit));
}
