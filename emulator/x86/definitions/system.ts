/** Port I/O, hypercalls, other instructions that leave the guest, and those that do nothing. SDM vol. 2. */
import type { Definition } from "../record.ts";
import { writeRegister } from "../operand.ts";
import { RAX, RDX } from "../slots.ts";

/** IN: accumulator <- port. */
export const inPort: Definition = {
  mnemonic: "in",
  encodings: { "e4": "AL,Ib", "e5": "eAX,Ib", "ec": "AL,DX", "ed": "eAX,DX" },
  cycleClass: "io",
  semantics(b, [dst, port]) {
    const value = b.trap("in", [b.zext(port.read(b), 16), b.constant(32, dst.width / 8)], dst.width);
    dst.write(b, value);
  },
  examples: [
    "e4 80 | in al, 0x80 | eax=ffffffff result=5 => eax=ffffff05",
    "ed | in eax, dx | edx=12345678 rax=ffffffffffffffff result=80000001 => rax=80000001 trap=in(5678,4) | 64",
    "66 ed | in ax, dx | eax=ffffffff edx=10 result=1234 => eax=ffff1234 trap=in(10,2)",
  ],
};

/** OUT: port <- accumulator. */
export const outPort: Definition = {
  mnemonic: "out",
  encodings: { "e6": "Ib,AL", "e7": "Ib,eAX", "ee": "DX,AL", "ef": "DX,eAX" },
  cycleClass: "io",
  semantics(b, [port, src]) {
    b.trap("out", [b.zext(port.read(b), 16), b.constant(32, src.width / 8), src.read(b)]);
  },
  examples: [
    "e6 f4 | out 0xf4, al | eax=1234 => trap=out(f4,1,34)",
    "ef | out dx, eax | edx=ffff1000 eax=87654321 => trap=out(1000,4,87654321)",
  ],
};

/** An instruction that is nothing but a trap: what happens is the hypervisor's business. */
function trapping(
  mnemonic: string,
  key: string,
  trap: string,
): Definition {
  return {
    mnemonic,
    encodings: { [key]: ";np" },
    cycleClass: "system",
    semantics(b) {
      b.trap(trap, []);
    },
    examples: [`${key} | ${mnemonic} | => trap=${trap}()`],
  };
}

/** VMCALL: leaves to the hypervisor (VMX). SDM vol. 3C, "VMX Instruction Reference". */
export const vmcall = trapping("vmcall", "0f 01 c1", "vmcall");
/** VMMCALL: leaves to the hypervisor (SVM). APM vol. 3. */
export const vmmcall = trapping("vmmcall", "0f 01 d9", "vmmcall");

/** CPUID: EAX EBX ECX EDX <- leaf EAX, subleaf ECX. */
export const cpuid: Definition = {
  mnemonic: "cpuid",
  encodings: { "0f a2": "" },
  cycleClass: "system",
  semantics(b) {
    b.trap("cpuid", []);
  },
  examples: ["0f a2 | cpuid | eax=1 => trap=cpuid()"],
};

/** HLT: stops until the next interrupt. */
export const hlt: Definition = {
  mnemonic: "hlt",
  encodings: { "f4": "" },
  endsBlock: true,
  cycleClass: "system",
  semantics(b) {
    b.trap("hlt", []);
  },
  examples: ["f4 | hlt | => trap=hlt()"],
};

/** RDTSC: EDX:EAX <- time-stamp counter. */
export const rdtsc: Definition = {
  mnemonic: "rdtsc",
  encodings: { "0f 31": "" },
  cycleClass: "alu",
  semantics(b, _operands, { mode }) {
    const tsc = b.trap("rdtsc", [], 64);
    writeRegister(b, mode, RAX, b.trunc(tsc, 32));
    writeRegister(b, mode, RDX, b.trunc(b.shr(tsc, b.constant(64, 32)), 32));
  },
  examples: [
    "0f 31 | rdtsc | rdx=ffffffffffffffff result=123456789abcdef0 => rax=9abcdef0 rdx=12345678 | 64",
  ],
};

/** An instruction that raises an exception without error code. */
function raising(mnemonic: string, key: string, vector: number): Definition {
  return {
    mnemonic,
    encodings: { [key]: "" },
    endsBlock: true,
    cycleClass: "system",
    semantics(b) {
      b.trap("exception", [b.constant(32, vector), b.constant(32, 0)]);
    },
    examples: [`${key} | ${mnemonic} | => trap=exception(${vector},0)`],
  };
}

/** UD2: #UD, vector 6, a fault: the saved address is its own. */
export const ud2 = raising("ud2", "0f 0b", 6);

/** NOP, with or without operand, whose address is not used. 90h is not XCHG EAX, EAX: it clears nothing. */
export const nop: Definition = {
  mnemonic: "nop",
  encodings: { "90": "", "0f 1f /0": "Ev" },
  ignoresOperands: true,
  cycleClass: "alu",
  semantics() {},
  examples: [
    "90 | nop | rax=ffffffffffffffff => rax=ffffffffffffffff | 64",
    "0f 1f 40 00 | nop dword ptr [eax] | eax=ffffffff => eax=ffffffff | 32",
  ],
};

/** PAUSE: a hint; nothing. */
export const pause: Definition = {
  mnemonic: "pause",
  encodings: { "f3 90": "" },
  cycleClass: "alu",
  semantics() {},
  examples: ["f3 90 | pause | eax=1 => eax=1"],
};
