/** A tiny instruction set for tests of the assembler: `nop`, `jmp target`, `imm n`, `pair a, b`. */
import type { AssemblyLine, EncodeContext, InstructionEncoder } from "../../emulator/isa/assembly.ts";
import { integerBytes } from "../../emulator/isa/directives.ts";

function encode({ mnemonic, operands }: AssemblyLine, context: EncodeContext): Uint8Array {
  switch (mnemonic) {
    case "nop":
      return Uint8Array.of(0x90);
    case "jmp": {
      const { value, known } = context.evaluate(operands[0]);
      const near = value - (context.pc + 2n);
      const short = !known || (near >= -128n && near <= 127n);
      if (short && context.atLeast <= 2) {
        return Uint8Array.of(0xeb, known ? Number(BigInt.asUintN(8, near)) : 0);
      }
      return Uint8Array.of(0xe9, ...integerBytes(value - (context.pc + 5n), 4, "le"));
    }
    case "imm":
      return Uint8Array.of(1, ...integerBytes(context.evaluate(operands[0]).value, 1, "le"));
    case "pair":
      if (operands.length !== 2) throw new SyntaxError(`pair takes 2 operands, found ${operands.length}`);
      return Uint8Array.of(2, operands[0].length, operands[1].length);
    default:
      throw new SyntaxError(`unknown instruction "${mnemonic}"`);
  }
}

export const toyEncoder: InstructionEncoder = {
  reserved: new Set(["eax", "ebx"]),
  mnemonics: ["nop", "jmp", "imm", "pair"],
  encode,
};
