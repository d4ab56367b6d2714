/** x86: one access to one register of a device, by IN, OUT or MOV. */
import { type AccessRole, closed, type StubText } from "./stub_text.ts";
import { pointerRegister, wide } from "./x86_words.ts";

const ACCUMULATOR: Readonly<Record<number, string>> = { 1: "al", 2: "ax", 4: "eax", 8: "rax" };

/** `in` or `out` of 1, 2 or 4 bytes: there is none of 8. */
export function x86PioAccess(
  verb: "read" | "write",
  size: 1 | 2 | 4,
  mode: 16 | 32 | 64,
): StubText<AccessRole> {
  const value = ACCUMULATOR[size];
  return {
    name: `pio_${verb}${8 * size}`,
    text: closed("x86", `call:\n  ${verb === "read" ? `in ${value}, dx` : `out dx, ${value}`}\n`),
    registers: { address: wide("dx", mode), value: wide("ax", mode) },
  };
}

/** `mov` of 1, 2, 4 bytes, in 64-bit mode also 8. In real mode the address is an offset in DS. */
export function x86MmioAccess(
  verb: "read" | "write",
  size: 1 | 2 | 4 | 8,
  mode: 16 | 32 | 64,
): StubText<AccessRole> {
  const value = ACCUMULATOR[size], memory = `[${pointerRegister("di", mode)}]`;
  return {
    name: `mmio_${verb}${8 * size}`,
    text: closed("x86", `call:\n  mov ${verb === "read" ? `${value}, ${memory}` : `${memory}, ${value}`}\n`),
    registers: { address: wide("di", mode), value: wide("ax", mode) },
  };
}
