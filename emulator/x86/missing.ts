/** Names of instructions that are not implemented, for messages. SDM vol. 2D, appendix A. */
import type { Mode } from "./registers.ts";

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
  0x63: "arpl",
  0x6c: "insb",
  0x6d: "ins",
  0x6e: "outsb",
  0x6f: "outs",
  0x82: "an alias of 80",
  0x8c: "mov from a segment register",
  0x8e: "mov to a segment register",
  0x9a: "far call",
  0x9b: "fwait",
  0xa4: "movsb",
  0xa5: "movs",
  0xa6: "cmpsb",
  0xa7: "cmps",
  0xaa: "stosb",
  0xab: "stos",
  0xac: "lodsb",
  0xad: "lods",
  0xae: "scasb",
  0xaf: "scas",
  0xc4: "les or VEX",
  0xc5: "lds or VEX",
  0xc8: "enter",
  0xca: "far ret",
  0xcb: "far ret",
  0xcd: "int",
  0xce: "into",
  0xcf: "iret",
  0xd4: "aam",
  0xd5: "aad",
  0xd7: "xlat",
  0xea: "far jmp",
  0xf1: "int1",
};

const TWO_BYTE: Readonly<Record<number, string>> = {
  0x00: "sldt, str, lldt, ltr, verr or verw",
  0x01: "sgdt, sidt, lgdt, lidt, smsw, lmsw or invlpg",
  0x02: "lar",
  0x03: "lsl",
  0x05: "syscall",
  0x06: "clts",
  0x07: "sysret",
  0x08: "invd",
  0x09: "wbinvd",
  0x20: "mov from a control register",
  0x21: "mov from a debug register",
  0x22: "mov to a control register",
  0x23: "mov to a debug register",
  0x30: "wrmsr",
  0x32: "rdmsr",
  0x33: "rdpmc",
  0x34: "sysenter",
  0x35: "sysexit",
  0x77: "emms",
  0xa0: "push fs",
  0xa1: "pop fs",
  0xa3: "bt",
  0xa4: "shld",
  0xa5: "shld",
  0xa8: "push gs",
  0xa9: "pop gs",
  0xaa: "rsm",
  0xab: "bts",
  0xac: "shrd",
  0xad: "shrd",
  0xae: "fxsave, ldmxcsr, lfence, mfence or sfence",
  0xb3: "btr",
  0xb8: "popcnt",
  0xba: "bt, bts, btr or btc",
  0xbb: "btc",
  0xbc: "bsf",
  0xbd: "bsr",
  0xc3: "movnti",
  0xc7: "cmpxchg8b",
};

/** What the bytes are called in the manual, if this table knows. `modrm` is -1 where it was not read. */
export function missingName(mode: Mode, map: number, opcode: number, modrm: number): string | undefined {
  const digit = modrm >> 3 & 7;
  if (map !== 0) {
    if (
      opcode >= 0x10 && opcode <= 0x17 || opcode >= 0x28 && opcode <= 0x2f || opcode >= 0x50 && opcode <= 0x7f
    ) {
      return "SSE or MMX";
    }
    return TWO_BYTE[opcode];
  }
  if (opcode >= 0xd8 && opcode <= 0xdf) return "x87";
  if ((opcode & 0xfe) === 0xf6 && digit >= 6) return digit === 6 ? "div" : "idiv";
  if (opcode === 0xff && (digit === 3 || digit === 5)) return digit === 3 ? "far call" : "far jmp";
  if ((opcode === 0xc0 || opcode === 0xc1 || opcode >> 2 === 0x34) && (digit === 2 || digit === 3)) {
    return digit === 2 ? "rcl" : "rcr";
  }
  if (mode === 64 && (opcode === 0x62 || opcode === 0xc4 || opcode === 0xc5)) return "AVX";
  return ONE_BYTE[opcode];
}
