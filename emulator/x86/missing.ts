/** Names of instructions that are not implemented, for messages. SDM vol. 2D, appendix A. */
import type { Mode } from "./registers.ts";
import type { Variant } from "./variant.ts";

const ONE_BYTE: Readonly<Record<number, string>> = {
  0x06: "push es",
  0x07: "pop es",
  0x0e: "push cs",
  0x16: "push ss",
  0x17: "pop ss",
  0x1e: "push ds",
  0x1f: "pop ds",
  0x27: "daa",
  0x2f: "das",
  0x37: "aaa",
  0x3f: "aas",
  0x60: "pusha",
  0x61: "popa",
  0x62: "bound or EVEX",
  0x82: "an alias of 80",
  0x9a: "far call",
  0xc4: "les or VEX",
  0xc5: "lds or VEX",
  0xce: "into",
  0xd4: "aam",
  0xd5: "aad",
  0xea: "far jmp",
};

const TWO_BYTE: Readonly<Record<number, string>> = {
  0x01: "a system instruction",
  0x05: "syscall",
  0x07: "sysret",
  0x33: "rdpmc",
  0x34: "sysenter",
  0x35: "sysexit",
  0x77: "emms",
  0xaa: "rsm",
  0xae: "fxsave, ldmxcsr, xsave or clflush",
  0xb8: "popcnt",
  0xc3: "movnti",
  0xc7: "rdrand, rdseed or rdpid",
};

/** What the bytes are called in the manual, if this table knows. */
export function missingName(mode: Mode, map: number, opcode: number): string | undefined {
  if (map !== 0) {
    if (
      opcode >= 0x10 && opcode <= 0x17 || opcode >= 0x28 && opcode <= 0x2f || opcode >= 0x50 && opcode <= 0x7f
    ) {
      return "SSE or MMX";
    }
    return TWO_BYTE[opcode];
  }
  if (opcode >= 0xd8 && opcode <= 0xdf) return "x87";
  if (mode === 64 && (opcode === 0x62 || opcode === 0xc4 || opcode === 0xc5)) return "AVX";
  return ONE_BYTE[opcode];
}

/**
 * One-byte opcodes with a ModRM byte of which some forms exist, and of the others none in any processor: LEA, LES,
 * LDS, BOUND and far transfers with a register, groups 1A, 4, 5 and 11. SDM vol. 2D, appendix A.4.
 */
export function isInvalid({ selectors }: Variant, map: number, opcode: number, modrm: number): boolean {
  if (map !== 0 || modrm < 0) return false;
  // With these and a register, EVEX, VEX and XOP start in protected mode.
  if (opcode === 0x62 || opcode === 0xc4 || opcode === 0xc5 || opcode === 0x8f) {
    return selectors !== "protected";
  }
  return [0x8d, 0xc6, 0xc7, 0xfe, 0xff].includes(opcode);
}
