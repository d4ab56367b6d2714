/** Hypercalls on both architectures: the trap by itself, and with a payload from memory in its registers. */
import type { HypercallAbi } from "../abi.ts";
import { STUB_SLOT } from "../places.ts";
import { pointerRegister } from "./x86_words.ts";
import { closed, indented, type StubText } from "./stub_text.ts";
import { type PageAddress, trapLines, trapName } from "./trap.ts";

/** Everything in registers: the ABI's own. */
export function bareHypercall(
  abi: HypercallAbi,
  arch: "x86" | "ppc",
  mode: 16 | 32 | 64,
  number: number,
  page: PageAddress,
): StubText<never> {
  const lines = indented(trapLines(abi, number, mode, page));
  return {
    name: `${abi.stub ?? "hypercall"}${trapName(abi, number, page)}`,
    text: closed(arch, `call:\n${lines}`),
    registers: {},
  };
}

/**
 * Loads the last `words` of the argument registers after the first `skip` from the out buffer, traps, and
 * stores the output registers to the in buffer.
 */
export function packedHypercall(
  abi: HypercallAbi,
  arch: "x86" | "ppc",
  mode: 16 | 32 | 64,
  skip: number,
  words: number,
  number: number,
  page: PageAddress,
): StubText<"buffer"> {
  const buffer = arch === "ppc" ? "r12" : pointerRegister("bp", mode);
  const move = (direction: "load" | "store") => (register: string, index: number) => {
    const offset = index * abi.width + (direction === "store" ? STUB_SLOT.in - STUB_SLOT.out : 0);
    if (arch === "x86") {
      const memory = `[${buffer}+${offset}]`;
      return direction === "load" ? `  mov ${register}, ${memory}\n` : `  mov ${memory}, ${register}\n`;
    }
    const mnemonic = { load: { 4: "lwz", 8: "ld" }, store: { 4: "stw", 8: "std" } }[direction][abi.width];
    return `  ${mnemonic} ${register}, ${offset}(${buffer})\n`;
  };
  const loads = abi.args.slice(skip, skip + words).map(move("load")).join("");
  const stores = abi.outputs.map(move("store")).join("");
  return {
    name: `${abi.stub ?? "hypercall"}_${skip}_${words}${trapName(abi, number, page)}`,
    text: closed(arch, `call:\n${loads}${indented(trapLines(abi, number, mode, page))}${stores}`),
    registers: { buffer },
  };
}
