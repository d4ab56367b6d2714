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

/** Two-byte opcodes that no processor has, and those that are there to be invalid: UD1 (b9) and UD0 (ff). */
const NEVER: ReadonlySet<number> = new Set(
  [0x04, 0x0a, 0x0c, 0x24, 0x25, 0x26, 0x27, 0x36, 0x39, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x7a, 0x7b, 0xa6, 0xa7]
    .concat([0xb9, 0xff]),
);
/** One-byte opcodes that 64-bit mode has taken back. SDM vol. 2D, table A-2 ("i64"). */
const NOT_IN_64: ReadonlySet<number> = new Set(
  [
    0x06,
    0x07,
    0x0e,
    0x16,
    0x17,
    0x1e,
    0x1f,
    0x27,
    0x2f,
    0x37,
    0x3f,
    0x60,
    0x61,
    0x82,
    0x9a,
    0xce,
    0xd4,
    0xd6,
    0xea,
  ],
);
const XABORT = 0xf8, SWAPGS = 0xf8;

/** Opcodes with a ModRM byte (`isRegister`: whose operand is a register), of which some forms are in no processor. */
type Rule = (modrm: number, isRegister: boolean, variant: Variant) => boolean;

/** With a register, EVEX, VEX and XOP start at these in protected mode. */
const oldForm: Rule = (_modrm, _isRegister, { selectors }) => selectors !== "protected";
const always: Rule = () => true;
const ifRegister: Rule = (_modrm, isRegister) => isRegister;

/**
 * Asked where a form is not there. LEA, LES, LDS, BOUND, far transfers and pointers with a register; groups 1A, 4, 5, 6,
 * 8, 9 and 11. SDM vol. 2D, appendix A.4.
 */
const ONE_BYTE_RULES: Readonly<Record<number, Rule | undefined>> = {
  0x62: oldForm,
  0x8d: always,
  0x8f: (modrm, _isRegister, { selectors }) => selectors !== "protected" || (modrm & 0x1f) < 8,
  0xc4: oldForm,
  0xc5: oldForm,
  0xc6: (modrm) => modrm !== XABORT,
  0xc7: (modrm) => modrm !== XABORT,
  0xfe: always,
  0xff: always,
};
const TWO_BYTE_RULES: Readonly<Record<number, Rule | undefined>> = {
  0x00: always,
  0x01: (modrm, _isRegister, { mode }) => modrm === SWAPGS && mode !== 64,
  0xb2: ifRegister,
  0xb4: ifRegister,
  0xb5: ifRegister,
  0xba: always,
  0xc7: (modrm, isRegister) => [0, 2].includes(modrm >> 3 & 7) || (isRegister && (modrm >> 3 & 7) < 6),
};

/** Whether the architecture itself refuses bytes that are not implemented; `modrm` is -1 where there is none. */
export function isInvalid(variant: Variant, map: number, opcode: number, modrm: number): boolean {
  if (map !== 0 ? NEVER.has(opcode) : variant.mode === 64 && NOT_IN_64.has(opcode)) return true;
  if (modrm < 0) return false;
  const rule = (map === 0 ? ONE_BYTE_RULES : TWO_BYTE_RULES)[opcode];
  return rule !== undefined && rule(modrm, modrm >= 0xc0, variant);
}
