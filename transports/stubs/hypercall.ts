/** Hypercalls on both architectures: the trap by itself, and with a payload from memory in its registers. */
import type { HypercallAbi } from "../abi.ts";
import { STUB_SLOT } from "../places.ts";
import { pointerRegister } from "./x86_words.ts";
import { closed, type StubText } from "./stub_text.ts";

/** The instructions of an ABI's trap, one a line. */
export function trapLines(abi: HypercallAbi): string {
  return abi.trap.split(";").map((line) => `  ${line.trim()}\n`).join("");
}

/** Everything in registers: the ABI's own. */
export function bareHypercall(abi: HypercallAbi, arch: "x86" | "ppc"): StubText<never> {
  return { name: abi.stub ?? "hypercall", text: closed(arch, `call:\n${trapLines(abi)}`), registers: {} };
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
    name: `${abi.stub ?? "hypercall"}_${skip}_${words}`,
    text: closed(arch, `call:\n${loads}${trapLines(abi)}${stores}`),
    registers: { buffer },
  };
}
