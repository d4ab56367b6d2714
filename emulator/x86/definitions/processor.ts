/**
 * Instructions on the processor's own registers: control and debug registers, descriptor tables, MSRs. SDM vol. 2A to
 * 2C, by mnemonic. They are traps: what changes with them (translation, modes, exits) is the machine's.
 */
import type { Definition } from "../record.ts";
import { writeRegister } from "../operand.ts";
import { requireKernel } from "../privilege.ts";
import { CR, LDTR, RAX, RCX, RDX, TR, TSC_AUX } from "../slots.ts";

const system = { cycleClass: "system" } as const;
/** What may change how the next instruction is fetched or executed. */
const serializing = { endsBlock: true, cycleClass: "system" } as const;

/** MOV from and to CRn and DRn: as wide as the mode, at least 32 bits. */
function special(letter: "C" | "D", examples: { from: string; to: string }): [Definition, Definition] {
  const [trap, from, to] = letter === "C" ? ["cr", "0f 20", "0f 22"] : ["dr", "0f 21", "0f 23"];
  const fromRegister: Definition = {
    mnemonic: "mov",
    encodings: { [from]: `Ry,${letter}d;f64 anymod` },
    ...system,
    semantics(b, [dst, index]) {
      dst.write(b, b.trunc(b.trap(`mov_from_${trap}`, [index.read(b)], 64), dst.width));
    },
    examples: [examples.from],
  };
  const toRegister: Definition = {
    mnemonic: "mov",
    encodings: { [to]: `${letter}d,Ry;f64 anymod` },
    ...serializing,
    semantics(b, [index, src]) {
      b.trap(`mov_to_${trap}`, [index.read(b), b.zext(src.read(b), 64)]);
    },
    examples: [examples.to],
  };
  return [fromRegister, toRegister];
}

export const [movFromControl, movToControl] = special("C", {
  from: "0f 20 d8 | mov eax, cr3 | result=123456789 => eax=23456789 trap=mov_from_cr(3) | 32",
  to: "0f 22 d8 | mov cr3, rax | rax=123456789 => trap=mov_to_cr(3,123456789) | 64",
});
export const [movFromDebug, movToDebug] = special("D", {
  from: "0f 21 f8 | mov rax, dr7 | result=400 => rax=400 trap=mov_from_dr(7) | 64",
  to: "0f 23 c0 | mov dr0, eax | eax=5 => trap=mov_to_dr(0,5) | 32",
});

/** LGDT, LIDT, SGDT, SIDT: a limit of 16 bits and a base of 32 (24 by operand size 16) or 64 bits in memory. */
function table(trap: string, digit: number, example: string): Definition {
  const loads = trap.startsWith("l");
  return {
    mnemonic: trap,
    encodings: { [`0f 01 /${digit}`]: "M;f64" },
    ...(loads ? serializing : system),
    memory: "none",
    sized: loads ? true : undefined,
    semantics(b, [where], { mode, variant, size }) {
      if (loads) requireKernel(b, variant);
      const bytes = mode === 64 ? 10 : 6;
      const address = b.zext(where.address(b, loads ? "read" : "write", bytes), 64);
      b.trap(trap, loads ? [address, b.constant(32, size / 8)] : [address]);
    },
    examples: [example],
  };
}

export const sgdt = table("sgdt", 0, "0f 01 03 | sgdt [rbx] | rbx=2000 => trap=sgdt(2000) | 64");
export const sidt = table("sidt", 1, "0f 01 0b | sidt [ebx] | ebx=2000 => trap=sidt(2000) | 32");
export const lgdt = table("lgdt", 2, "0f 01 13 | lgdt [rbx] | rbx=2000 => trap=lgdt(2000) | 64");
export const lidt = table(
  "lidt",
  3,
  "0f 01 1b | lidt [bp+di] | ebp=2000 ss_base=100 => trap=lidt(2100) | 16",
);

/** LLDT, LTR: a selector into the global descriptor table. */
function loadSelector(trap: string, digit: number, example: string): Definition {
  return {
    mnemonic: trap,
    encodings: { [`0f 00 /${digit}`]: "Ew;protected" },
    ...serializing,
    semantics(b, [src], { variant }) {
      requireKernel(b, variant);
      b.trap(trap, [src.read(b)]);
    },
    examples: [example],
  };
}

export const lldt = loadSelector("lldt", 2, "0f 00 d0 | lldt ax | eax=28 => trap=lldt(28)");
export const ltr = loadSelector("ltr", 3, "0f 00 d8 | ltr ax | eax=30 => trap=ltr(30)");

/** SLDT, STR, SMSW: 16 bits; into a wider register with zeros in front (of SMSW, with the rest of CR0). */
function storeWord(
  mnemonic: string,
  key: string,
  slot: number,
  modes: string,
  examples: string[],
): [Definition, Definition] {
  const make = (operand: "Rv" | "Mw"): Definition => ({
    mnemonic,
    encodings: { [key]: `${operand};${modes}` },
    ...system,
    memory: "store",
    semantics(b, [dst]) {
      const w = dst.width;
      if (mnemonic === "smsw") return dst.write(b, b.read(slot, w));
      dst.write(b, b.zext(b.trap(mnemonic, [], 16), w));
    },
    examples: [examples[operand === "Rv" ? 0 : 1]],
  });
  return [make("Rv"), make("Mw")];
}

export const [sldt, sldtMemory] = storeWord("sldt", "0f 00 /0", LDTR, "protected", [
  "0f 00 c0 | sldt eax | eax=ffffffff result=28 => eax=28 trap=sldt()",
  "0f 00 03 | sldt word ptr [ebx] | ebx=2000 result=28 => w[2000]=28 trap=sldt() | 32",
]);
export const [str, strMemory] = storeWord("str", "0f 00 /1", TR, "protected", [
  "0f 00 c8 | str eax | eax=ffffffff result=30 => eax=30 trap=str()",
  "0f 00 0b | str word ptr [rbx] | rbx=2000 result=30 => w[2000]=30 trap=str() | 64",
]);
export const [smsw, smswMemory] = storeWord("smsw", "0f 01 /4", CR, "", [
  "0f 01 e0 | smsw eax | cr0=60000011 => eax=60000011",
  "0f 01 23 | smsw word ptr [ebx] | ebx=2000 cr0=60000011 => w[2000]=11 | 32",
]);

/** LMSW: PE MP EM TS of CR0 <- SRC; PE cannot be cleared. */
export const lmsw: Definition = {
  mnemonic: "lmsw",
  encodings: { "0f 01 /6": "Ew" },
  ...serializing,
  semantics(b, [src], { variant }) {
    requireKernel(b, variant);
    b.trap("lmsw", [src.read(b)]);
  },
  examples: ["0f 01 f0 | lmsw ax | eax=1 => trap=lmsw(1)"],
};

/** INVLPG: forgets the translation of an address, which is not accessed: no limit is checked. */
export const invlpg: Definition = {
  mnemonic: "invlpg",
  encodings: { "0f 01 /7": "M" },
  ...serializing,
  memory: "none",
  semantics(b, [where]) {
    b.trap("invlpg", [b.zext(where.address(b, "none"), 64)]);
  },
  examples: ["0f 01 3b | invlpg [rbx] | rbx=2000 => trap=invlpg(2000) | 64"],
};

/** A trap without arguments: registers say the rest. */
function bare(mnemonic: string, key: string, attributes = ""): Definition {
  return {
    mnemonic,
    encodings: { [key]: `;${attributes}` },
    ...serializing,
    semantics(b) {
      b.trap(mnemonic, []);
    },
    examples: [`${key} | ${mnemonic} | => trap=${mnemonic}()${attributes === "only64" ? " | 64" : ""}`],
  };
}

/** CLTS: CR0.TS <- 0. */
export const clts = bare("clts", "0f 06");
/** RDMSR: EDX:EAX <- MSR[ECX]. */
export const rdmsr = bare("rdmsr", "0f 32");
/** WRMSR: MSR[ECX] <- EDX:EAX. */
export const wrmsr = bare("wrmsr", "0f 30");
/** SWAPGS: exchanges the base of GS with KERNEL_GS_BASE. */
export const swapgs = bare("swapgs", "0f 01 f8", "only64");
/** INVD, WBINVD: caches; guest memory has none. */
export const invd = bare("invd", "0f 08");
export const wbinvd = bare("wbinvd", "0f 09");

/** SYSCALL, SYSRET: to the system's code at LSTAR, and back to where RCX and R11 say. */
function systemCall(
  mnemonic: string,
  key: string,
  sizes: string,
  sized: "suffix" | undefined,
  examples: string[],
): Definition {
  return {
    mnemonic,
    encodings: { [key]: `;only64${sizes}` },
    ...serializing,
    sized,
    semantics(b, _operands, { size }) {
      b.trap(mnemonic, [b.constant(32, size / 8)]);
    },
    examples,
  };
}

export const syscall = systemCall("syscall", "0f 05", "", undefined, [
  "0f 05 | syscall | => trap=syscall() | 64",
]);
export const sysret = systemCall("sysret", "0f 07", " o32 o64", "suffix", [
  "48 0f 07 | sysretq | => trap=sysret(8) | 64",
  "0f 07 | sysretd | => trap=sysret(4) | 64",
]);

/** RDTSCP: EDX:EAX <- time-stamp counter, ECX <- TSC_AUX. */
export const rdtscp: Definition = {
  mnemonic: "rdtscp",
  encodings: { "0f 01 f9": "" },
  ...system,
  semantics(b, _operands, { mode }) {
    const tsc = b.trap("rdtscp", [], 64), aux = b.read(TSC_AUX, 32);
    writeRegister(b, mode, RAX, b.trunc(tsc, 32));
    writeRegister(b, mode, RDX, b.trunc(b.shr(tsc, b.constant(64, 32)), 32));
    writeRegister(b, mode, RCX, aux);
  },
  examples: ["0f 01 f9 | rdtscp | rcx=5 result=123456789abcdef0 => rax=9abcdef0 rdx=12345678 rcx=0 | 64"],
};

/** An instruction without effect on what a program sees here. */
function nothing(mnemonic: string, encodings: Record<string, string>, example: string): Definition {
  return {
    mnemonic,
    encodings,
    ignoresOperands: true,
    memory: "none",
    cycleClass: "alu",
    semantics() {},
    examples: [example],
  };
}

/** Fences: accesses are made in program order here. */
export const lfence = nothing("lfence", { "0f ae e8": ";np" }, "0f ae e8 | lfence | eax=1 => eax=1");
export const mfence = nothing("mfence", { "0f ae f0": ";np" }, "0f ae f0 | mfence | eax=1 => eax=1");
export const sfence = nothing("sfence", { "0f ae f8": ";np" }, "0f ae f8 | sfence | eax=1 => eax=1");
/** ENDBR32, ENDBR64: targets of indirect branches, where those are tracked. */
export const endbr64 = nothing("endbr64", { "f3 0f 1e fa": "" }, "f3 0f 1e fa | endbr64 | eax=1 => eax=1");
export const endbr32 = nothing("endbr32", { "f3 0f 1e fb": "" }, "f3 0f 1e fb | endbr32 | eax=1 => eax=1");
/** WAIT: no floating-point exception is ever pending, for there is no x87 yet. */
export const fwait = nothing("fwait", { "9b": "" }, "9b | fwait | eax=1 => eax=1");
/** PREFETCHh, PREFETCHW: hints. */
const hint = (name: string, key: string, bytes: string) =>
  nothing(name, { [key]: "Mb" }, `${bytes} | ${name} byte ptr [ebx] | ebx=2000 => ebx=2000 | 32`);
export const prefetchnta = hint("prefetchnta", "0f 18 /0", "0f 18 03");
export const prefetcht0 = hint("prefetcht0", "0f 18 /1", "0f 18 0b");
export const prefetcht1 = hint("prefetcht1", "0f 18 /2", "0f 18 13");
export const prefetcht2 = hint("prefetcht2", "0f 18 /3", "0f 18 1b");
export const prefetchw = hint("prefetchw", "0f 0d /1", "0f 0d 0b");
