/** One x86 text for several modes. */
export type Bits = 16 | 32 | 64;

/** `$ax` is ax, eax or rax; `$$ax` is eax but ax in real mode, for what needs no more. */
export function widen(text: string, bits: Bits): string {
  return text.replace(/\$\$?(\w+)/g, (name, register: string) => {
    if (bits === 16) return register;
    return bits === 32 || name.startsWith("$$") ? `e${register}` : `r${register}`;
  });
}
