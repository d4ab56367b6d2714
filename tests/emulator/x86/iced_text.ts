/** Two disassemblers' texts made comparable. */

/** Ours: `rel` says how an address is encoded, and the suffix of LGDT its operand size; iced shows neither. */
export function ourText(text: string): string {
  return text.replace("[rel ", "[").replace(/^xchg ([er]?ax), \1$/, "nop").replace(
    /^(lgdt|lidt)[wdq] /,
    "$1 ",
  );
}

const STRING = /^((?:rep|repe|repne) )?((?:movs|cmps|stos|lods|scas|ins|outs)[bwdq]|xlat) (.*)$/;

/** String instructions: without operands, whose segment and address size we put before the mnemonic. */
function stringText(mode: number, text: string): string {
  const match = STRING.exec(text);
  if (match === null) return text;
  const [, repeat = "", name, operands] = match;
  const register = /\[([er]?)/.exec(operands)?.[1];
  const width = register === "r" ? 64 : register === "e" ? 32 : 16;
  const segment = /(\w\w):\[\w*(?:si|bx)\]/.exec(operands)?.[1];
  const address = width === mode ? "" : `a${width} `;
  return `${repeat}${address}${segment ? `${segment} ` : ""}${name === "xlat" ? "xlatb" : name}`;
}

/**
 * Theirs: branch hints, NOTRACK, hints on locks and prefixes without effect on the text are left out; where
 * the operand-size prefix changes what is pushed or popped, we say so by a suffix. An index alone, unscaled, is a
 * base. Far addresses are written selector first.
 */
export function icedText(text: string, mode = 0): string {
  const plain = text
    .replace(/^((hint-(not-)?taken|notrack|bnd|xacquire|xrelease) )+/, "")
    .replace(/\bret far\b/, "retf")
    .replace(/^addr(16|32) (?!loop)/, "")
    .replace(/^addr(16|32) loop/, "a$1 loop")
    .replace(/^data16 (leave|call|ret|retf|push|pop|enter|jmp(?= far))\b/, "$1w")
    .replace(/^data32 (leave|call|ret|retf|push|pop|enter|jmp(?= far))\b/, "$1d")
    .replace(/^data64 retf\b/, "retfq")
    .replace(/^data(16|32) /, "")
    .replace(/^((hint-(not-)?taken|notrack|bnd) )+/, "")
    .replace(/^rep (?=ret\b)/, "")
    .replace(/^(pushf|popf|pusha|popa|iret)$/, "$1w")
    .replace(/^sysret$/, "sysretd")
    .replace(/^xchg ([er]?ax), \1$/, "nop")
    .replace(/far (\w+), (\w+)$/, "far $2:$1")
    .replace(/^([sl][gi]dt|invlpg) \w+ ptr/, "$1")
    .replace(/\[(\w+)\*1([+\-\]])/, "[$1$2");
  return stringText(mode, plain);
}
