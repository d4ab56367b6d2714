/**
 * The few instructions that a ring's driver is made of, for both architectures: a routine is written once against these
 * and becomes x86 or PowerPC source. Values are words of 32 bits. What lies in the ring is little-endian, the driver's own
 * words are as the guest has them.
 *
 * In real mode addresses count from ES, which holds the ring's own base: a driver there is a BIOS's, and reaches 64 KiB.
 */

/** Six registers to work with, and the driver's block. */
export type Register = "a" | "b" | "c" | "d" | "s" | "t" | "block";

/** How two unsigned numbers may compare. */
export type Condition = "eq" | "ne" | "below" | "above";

/** What a fence orders: stores before stores, loads before loads, stores before loads. */
export type Fence = "write" | "read" | "full";

/** Each gives source lines. */
export interface GuestCode {
  /** A register as the assembler calls it where it holds an address. */
  address(register: Register): string;
  label(name: string): string;
  goto(name: string): string;
  /** Goes on at a label if `one` compares so with `other`. */
  branch(condition: Condition, one: Register, other: Register | number, label: string): string;
  set(to: Register, value: number): string;
  copy(to: Register, from: Register): string;
  add(to: Register, what: Register | number): string;
  sub(to: Register, what: Register): string;
  and(to: Register, what: Register | number): string;
  or(to: Register, what: Register): string;
  shl(to: Register, bits: number): string;
  /** The driver's own words. */
  get(to: Register, base: Register, offset: number): string;
  put(base: Register, offset: number, from: Register): string;
  /** Fields of the ring; `a` to `d` only where they have a byte. */
  load(bytes: 1 | 2 | 4, to: Register, base: Register, offset: number): string;
  store(bytes: 1 | 2 | 4, base: Register, offset: number, from: Register): string;
  fence(kind: Fence): string;
}

const X86 = { a: "ax", b: "bx", c: "cx", d: "dx", s: "si", t: "di", block: "bp" } as const;
const X86_JUMP = { eq: "je", ne: "jne", below: "jb", above: "ja" } as const;

function x86Code(mode: 16 | 32 | 64): GuestCode {
  const word = (register: Register) => `e${X86[register]}`;
  const address = (register: Register) => `${mode === 64 ? "r" : "e"}${X86[register]}`;
  const value = (other: Register | number) => typeof other === "number" ? String(other) : word(other);
  const at = (base: Register, offset: number) => `[${mode === 16 ? "es:" : ""}${address(base)}+${offset}]`;
  const part = (bytes: 1 | 2 | 4, register: Register) =>
    bytes === 4 ? word(register) : bytes === 2 ? X86[register] : `${X86[register][0]}l`;
  return {
    address,
    label: (name) => `${name}:\n`,
    goto: (name) => `  jmp ${name}\n`,
    branch: (condition, one, other, label) =>
      `  cmp ${word(one)}, ${value(other)}\n  ${X86_JUMP[condition]} ${label}\n`,
    set: (to, number) => `  mov ${word(to)}, ${number}\n`,
    copy: (to, from) => `  mov ${word(to)}, ${word(from)}\n`,
    add: (to, what) => `  add ${word(to)}, ${value(what)}\n`,
    sub: (to, what) => `  sub ${word(to)}, ${word(what)}\n`,
    and: (to, what) => `  and ${word(to)}, ${value(what)}\n`,
    or: (to, what) => `  or ${word(to)}, ${word(what)}\n`,
    shl: (to, bits) => `  shl ${word(to)}, ${bits}\n`,
    get: (to, base, offset) => `  mov ${word(to)}, ${at(base, offset)}\n`,
    put: (base, offset, from) => `  mov ${at(base, offset)}, ${word(from)}\n`,
    load: (bytes, to, base, offset) =>
      bytes === 4
        ? `  mov ${word(to)}, ${at(base, offset)}\n`
        : `  movzx ${word(to)}, ${bytes === 2 ? "word" : "byte"} ptr ${at(base, offset)}\n`,
    store: (bytes, base, offset, from) => `  mov ${at(base, offset)}, ${part(bytes, from)}\n`,
    // Stores keep their order among themselves, and so do loads: SDM vol. 3A, 9.2.2.
    fence: (kind) => kind === "full" ? "  mfence\n" : "",
  };
}

const PPC = { a: "r5", b: "r6", c: "r7", d: "r8", s: "r9", t: "r10", block: "r12" } as const;
const PPC_BRANCH = { eq: "beq", ne: "bne", below: "blt", above: "bgt" } as const;
/** By bytes: little-endian ones, which `inByteOrder` makes plain in a little-endian guest. */
const PPC_LOAD = { 1: "lbz", 2: "lhbrx", 4: "lwbrx" } as const;
const PPC_STORE = { 1: "stb", 2: "sthbrx", 4: "stwbrx" } as const;

function ppcCode(mode: 32 | 64): GuestCode {
  const at = (base: Register, offset: number): [string, string] =>
    offset === 0 ? ["", PPC[base]] : [`  addi r11, ${PPC[base]}, ${offset}\n`, "r11"];
  const access = (
    names: typeof PPC_LOAD | typeof PPC_STORE,
    bytes: 1 | 2 | 4,
    register: Register,
    base: Register,
    offset: number,
  ) => {
    if (bytes === 1) return `  ${names[1]} ${PPC[register]}, ${offset}(${PPC[base]})\n`;
    const [line, pointer] = at(base, offset);
    return `${line}  ${names[bytes]} ${PPC[register]}, 0, ${pointer}\n`;
  };
  // Weaker ones than `sync`, where there are: Linux asm/barrier.h.
  const fences = {
    full: "sync",
    write: mode === 64 ? "lwsync" : "eieio",
    read: mode === 64 ? "lwsync" : "sync",
  };
  return {
    address: (register) => PPC[register],
    label: (name) => `${name}:\n`,
    goto: (name) => `  b ${name}\n`,
    branch: (condition, one, other, label) =>
      `  ${
        typeof other === "number" ? `cmplwi ${PPC[one]}, ${other}` : `cmplw ${PPC[one]}, ${PPC[other]}`
      }\n  ${PPC_BRANCH[condition]} ${label}\n`,
    set: (to, number) => `  li ${PPC[to]}, ${number}\n`,
    copy: (to, from) => `  mr ${PPC[to]}, ${PPC[from]}\n`,
    add: (to, what) =>
      typeof what === "number"
        ? `  addi ${PPC[to]}, ${PPC[to]}, ${what}\n`
        : `  add ${PPC[to]}, ${PPC[to]}, ${PPC[what]}\n`,
    sub: (to, what) => `  subf ${PPC[to]}, ${PPC[what]}, ${PPC[to]}\n`,
    and: (to, what) =>
      typeof what === "number"
        ? `  andi. ${PPC[to]}, ${PPC[to]}, ${what}\n`
        : `  and ${PPC[to]}, ${PPC[to]}, ${PPC[what]}\n`,
    or: (to, what) => `  or ${PPC[to]}, ${PPC[to]}, ${PPC[what]}\n`,
    shl: (to, bits) => `  slwi ${PPC[to]}, ${PPC[to]}, ${bits}\n`,
    get: (to, base, offset) => `  lwz ${PPC[to]}, ${offset}(${PPC[base]})\n`,
    put: (base, offset, from) => `  stw ${PPC[from]}, ${offset}(${PPC[base]})\n`,
    load: (bytes, to, base, offset) => access(PPC_LOAD, bytes, to, base, offset),
    store: (bytes, base, offset, from) => access(PPC_STORE, bytes, from, base, offset),
    fence: (kind) => `  ${fences[kind]}\n`,
  };
}

/** The instructions of a guest. */
export function guestCode(arch: "x86" | "ppc", mode: 16 | 32 | 64): GuestCode {
  return arch === "x86" ? x86Code(mode) : ppcCode(mode === 64 ? 64 : 32);
}
