/** Two disassemblers' texts made comparable. */

/** Ours: `rel` says how an address is encoded, which iced does not show. */
export function ourText(text: string): string {
  return text.replace("[rel ", "[").replace(/^xchg ([er]?ax), \1$/, "nop");
}

/**
 * Theirs: branch hints, NOTRACK and an operand-size prefix without effect on the text are left out; where
 * the prefix changes what is pushed or popped, we say so by a suffix. An index alone, unscaled, is a base.
 */
export function icedText(text: string): string {
  return text
    .replace(/^(hint-(not-)?taken|notrack|bnd) /, "")
    .replace(/^data16 (leave|call|ret|push)\b/, "$1w")
    .replace(/^data32 (leave|call|ret|push)\b/, "$1d")
    .replace(/^data(16|32) /, "")
    .replace(/^(hint-(not-)?taken|notrack|bnd) /, "")
    .replace(/^(pushf|popf)$/, "$1w")
    .replace(/^xchg ([er]?ax), \1$/, "nop")
    .replace(/\[(\w+)\*1([+\-\]])/, "[$1$2");
}
