/**
 * Whether an access in 64-bit mode is one to the stack segment: an address that is not canonical raises #SS there, and
 * #GP elsewhere. SDM vol. 2A, 2.2.1.3 and by mnemonic; vol. 3A, 6.15 (interrupt 12).
 */

const MNEMONICS: ReadonlySet<string> = new Set([
  ...["push", "pop", "pushf", "popf", "pushfq", "popfq", "call", "ret", "enter", "leave"],
]);
/** Memory with RSP or RBP for its base, whose segment is SS, and no other segment's prefix. */
const BASED_ON_STACK = /(?<!:)\[[re][sb]p(?!\*)\b/;

/** For an instruction as it is disassembled, the address that it may not reach, and RSP. */
export function reachesStack(text: string, address: bigint, rsp: bigint): boolean {
  const [mnemonic] = text.split(" ", 1), hasMemory = text.includes("[");
  if (MNEMONICS.has(mnemonic)) {
    // One that has a memory operand too reaches the stack close to where RSP points.
    const distance = BigInt.asIntN(64, address - rsp);
    if (!hasMemory || distance >= -8n && distance < 8n) return true;
  }
  return BASED_ON_STACK.test(text);
}
