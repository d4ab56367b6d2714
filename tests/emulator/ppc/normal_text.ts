/** Disassembly of different origin made comparable. */

/** Condition register bits under one name: `cr1eq`, `cr1un` and `4*cr1+eq`; field 0 with or without. */
function bitName(operand: string): string {
  const match = /^(?:4\*)?cr(\d)\+?(lt|gt|eq|so|un)$/.exec(operand) ?? /^()(lt|gt|eq|so|un)$/.exec(operand);
  return match ? `4*cr${match[1] || "0"}+${match[2] === "un" ? "so" : match[2]}` : operand;
}

function numberValue(text: string): string {
  const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text);
  if (!match) return text;
  const value = BigInt(match[2]);
  return `${BigInt.asUintN(64, match[1] ? -value : value)}`;
}

/** Spaces, letter case, number bases, `8(0)` against `8`, and prediction hints if they are to be dropped. */
export function normalText(text: string, hints: "keep" | "drop"): string {
  const [, mnemonic, rest] = /^(\S+)\s*(.*)$/.exec(text.trim().toLowerCase()) ?? ["", "", ""];
  const operands = rest.split(",").map((operand) => operand.trim()).filter(Boolean).map((operand) => {
    const address = /^(.*)\((.*)\)$/.exec(operand);
    if (!address) return numberValue(bitName(operand));
    return address[2] === "0" ? numberValue(address[1]) : `${numberValue(address[1])}(${address[2]})`;
  });
  return `${hints === "drop" ? mnemonic.replace(/[+-]$/, "") : mnemonic} ${operands.join(",")}`.trim();
}
