/**
 * Vectors of a real 80286 in real mode (NDJSON: one instruction each, then HLT): run on a VM, compared but for what
 * a later processor does otherwise, each kind of which is named here with its source.
 */
import { raiseInRealMode } from "../../../emulator/machine/x86/real_mode.ts";
import { createVm, type Vm } from "../../../emulator/machine/vm.ts";
import type { VectorResult } from "../../emulator/ppc/vector_files.ts";
import { vcpuOf } from "../../support/vcpu.ts";

interface VectorCase {
  readonly op: string;
  readonly n: number;
  readonly name: string;
  /** Hexadecimal. */
  readonly bytes: string;
  /** Registers before, and those that have changed. */
  readonly r0: Readonly<Record<string, number>>;
  readonly r1: Readonly<Record<string, number>>;
  /** Bytes of memory before, and those that have changed. */
  readonly m0: readonly (readonly [address: number, byte: number])[];
  readonly m1: readonly (readonly [address: number, byte: number])[];
  /** Vector, and where FLAGS were pushed (of an odd address the even one below). */
  readonly exc?: readonly [vector: number, flagsAt: number];
}

const CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, OF = 0x800;
/** IOPL, NT and bit 15: random before, and a later processor keeps what an 80286 in real mode does not. */
const IGNORED = 0xf000;
const ALL = CF | PF | AF | ZF | SF | OF;

interface Undefined {
  readonly always: number;
  /** Where the count is 1. */
  readonly once?: number;
}

/** Flags that the SDM (vol. 2, "Flags Affected") leaves undefined, by mnemonic. */
const UNDEFINED: Readonly<Record<string, Undefined>> = {
  and: { always: AF },
  or: { always: AF },
  xor: { always: AF },
  test: { always: AF },
  imul: { always: SF | ZF | AF | PF },
  mul: { always: SF | ZF | AF | PF },
  div: { always: ALL },
  idiv: { always: ALL },
  aam: { always: OF | AF | CF },
  aad: { always: OF | AF | CF },
  aaa: { always: OF | SF | ZF | PF },
  aas: { always: OF | SF | ZF | PF },
  daa: { always: OF },
  das: { always: OF },
  // CF too where the count is not below the operand's width.
  shl: { always: AF | OF | CF, once: AF },
  sal: { always: AF | OF | CF, once: AF },
  shr: { always: AF | OF | CF, once: AF },
  sar: { always: AF | OF, once: AF },
  rol: { always: OF, once: 0 },
  ror: { always: OF, once: 0 },
  rcl: { always: OF, once: 0 },
  rcr: { always: OF, once: 0 },
};

const PREFIX = /^(26|2e|36|3e|f0|f2|f3)/;

/** The instruction's bytes without prefixes. */
function opcodeBytes(bytes: string): string {
  while (PREFIX.test(bytes)) bytes = bytes.slice(2);
  return bytes;
}

function prefixes({ bytes }: VectorCase): string[] {
  const length = bytes.length - opcodeBytes(bytes).length;
  return bytes.slice(0, length).match(/../g) ?? [];
}

/** Opcodes that take LOCK where their destination is memory, by ModRM.reg where it matters. SDM vol. 2A, LOCK. */
const LOCKABLE: readonly (readonly [opcode: RegExp, digits: readonly number[]])[] = [
  [/^([012][0189]|3[01]|8[67])/, [0, 1, 2, 3, 4, 5, 6, 7]],
  [/^8[0-3]/, [0, 1, 2, 3, 4, 5, 6]],
  [/^f[67]/, [2, 3]],
  [/^f[ef]/, [0, 1]],
];

function takesLock({ bytes }: VectorCase): boolean {
  const code = opcodeBytes(bytes), modrm = parseInt(code.slice(2, 4), 16);
  return modrm < 0xc0 &&
    LOCKABLE.some(([opcode, digits]) => opcode.test(code) && digits.includes(modrm >> 3 & 7));
}

/** Why a case says nothing about a later processor, or undefined. */
function exclusion(one: VectorCase): string | undefined {
  const code = opcodeBytes(one.bytes), opcode = parseInt(code.slice(0, 2), 16);
  const [vector] = one.exc ?? [];
  if (opcode >= 0xd8 && opcode <= 0xdf) return "x87: an 80286 alone does nothing (SDM vol. 1, chapter 8)";
  if (vector === 13 && one.bytes.length / 2 - 1 > 10) {
    return 'longer than 10 bytes: #GP of an 80286, 15 are allowed later (SDM vol. 3B, "Architecture Compatibility")';
  }
  if (vector === 13 && isString(opcode)) {
    return "a string instruction that faults: an 80286 leaves its registers advanced, later they are as before " +
      '(SDM vol. 3A, "Exception Classifications")';
  }
  if (vector === 6 && (opcode & 0xfd) === 0x8c && /\b[fg]s\b/.test(one.name)) {
    return "FS and GS: since the 80386 (SDM vol. 1, 3.4.2)";
  }
  if (vector !== undefined && prefixes(one).includes("f0") && !takesLock(one)) {
    return "LOCK on what takes none, and a fault: since the 80386 that is #UD (SDM vol. 2A, LOCK)";
  }
  if (vector === 13 && usesStack(one)) {
    return 'end of the stack segment: #SS, of an 80286 #GP (SDM vol. 2, "Real-Address Mode Exceptions")';
  }
  return undefined;
}

function isString(opcode: number): boolean {
  return opcode >= 0x6c && opcode <= 0x6f || opcode >= 0xa4 && opcode <= 0xa7 ||
    opcode >= 0xaa && opcode <= 0xaf;
}

/** The access that faults is by way of SS: a stack instruction, or an address with BP. */
function usesStack({ name }: VectorCase): boolean {
  return /\[bp|\bss:|^(ret|retf|pop|push|call|leave|iret|popa|pusha)/.test(name) && !/\b[cde]s:\[/.test(name);
}

/** The flags that this case says nothing about. */
function undefinedFlags({ name, bytes }: VectorCase): number {
  const mnemonic = name.replace(/^((lock|repn?[ez]?|[cdefgs]s) )+/, "").split(" ")[0];
  const rule = UNDEFINED[mnemonic];
  if (!rule) return 0;
  const once = rule.once !== undefined && (/,\s*1h?$/.test(name) || /^d[01]/.test(opcodeBytes(bytes)));
  return once ? rule.once! : rule.always;
}

/**
 * An 80286 takes LOCK before anything, a later processor raises #UD (SDM vol. 2A, LOCK): such a case runs without it,
 * with a NOP before the other prefixes, so that addresses stay.
 */
function withoutLock(vm: Vm, one: VectorCase): boolean {
  const before = prefixes(one);
  if (!before.includes("f0") || takesLock(one)) return false;
  const others = before.filter((byte) => byte !== "f0"), nops = before.length - others.length;
  const bytes = [...new Array<string>(nops).fill("90"), ...others].map((byte) => parseInt(byte, 16));
  const at = one.r0.cs * 16 + one.r0.ip;
  vm.memory.write(at, Uint8Array.from(bytes));
  return true;
}

interface Compared {
  readonly wrong: readonly string[];
  /** Undefined flags differ from what the 80286 left. */
  readonly masked: boolean;
  readonly unlocked: boolean;
}

function start(vm: Vm, one: VectorCase): boolean {
  const vcpu = vcpuOf(vm);
  vcpu.restoreState(vcpu.resetState());
  for (const [address, byte] of one.m0) vm.memory.write(address, Uint8Array.of(byte));
  for (const [name, value] of Object.entries(one.r0)) {
    vcpu.registers.set(name, BigInt(name === "flags" ? value & ~IGNORED : value));
  }
  return withoutLock(vm, one);
}

/** Instructions that a case may take: a repeated one counts each time. */
const LIMIT = 100_000;

function compare(vm: Vm, one: VectorCase): Compared {
  const vcpu = vcpuOf(vm), unlocked = start(vm, one);
  let stop = vcpu.engine.run(LIMIT, true);
  if (stop.kind === "undecodable" && stop.why.invalid) {
    raiseInRealMode(vcpu, 6, "#UD");
    stop = vcpu.engine.run(LIMIT, true);
  }
  const detail = vcpu.exits.stops.take();
  const wrong: string[] = [];
  if (detail?.reason !== "HLT") {
    const what = detail?.message ?? (stop.kind === "undecodable" ? stop.why.reason : "");
    return { wrong: [`stopped by ${stop.kind} ${what}`], masked: false, unlocked };
  }
  const ignored = undefinedFlags(one);
  let masked = false;
  const differ = (what: string, expected: number, found: number, mask: number) => {
    if ((expected & mask) !== (found & mask)) {
      wrong.push(`${what} is 0x${(found & mask).toString(16)}, not 0x${(expected & mask).toString(16)}`);
    }
  };
  for (const name of Object.keys(one.r0)) {
    const expected = one.r1[name] ?? one.r0[name], found = Number(vcpu.registers.get(name));
    if (name !== "flags") differ(name, expected, found, 0xffff);
    else {
      differ(name, expected, found, 0xffff & ~IGNORED & ~ignored);
      masked ||= ((expected ^ found) & ignored) !== 0;
    }
  }
  for (const [address, byte] of one.m1) {
    const [found] = vm.memory.read(address, 1);
    // Pushed FLAGS, of which the same is undefined.
    const at = one.exc === undefined ? -1 : address - (one.r0.ss * 16 + (one.r0.sp - 2 & 0xffff));
    const unknown = at === 0 ? ignored & 0xff : at === 1 ? (ignored | IGNORED) >> 8 : 0;
    masked ||= ((found ^ byte) & unknown & ~(IGNORED >> 8)) !== 0;
    differ(`[0x${address.toString(16)}]`, byte, found, 0xff & ~unknown);
  }
  return { wrong, masked, unlocked };
}

/** A VM for the cases: 1 MiB of RAM without the hole that adapters have, and what lies above. */
export function vectorMachine(engine: "interpreter" | "oracle"): Vm {
  const vm = createVm({ arch: "x86", mode: 16, engine, memory: 2 * 2 ** 20 });
  vm.memory.addSlot({ name: "hole", gpa: 0xa_0000, size: 0x6_0000 });
  return vm;
}

/** What became of the cases, and what was changed or left out of them. */
export interface X86VectorResult extends VectorResult {
  /** Cases that pass because undefined flags are not compared. */
  readonly masked: number;
  /** Cases run without their LOCK prefix. */
  readonly unlocked: number;
}

export function runX86Vectors(
  text: string,
  engine: "interpreter" | "oracle" = "interpreter",
): X86VectorResult {
  const vm = vectorMachine(engine);
  const failed: string[] = [], excluded = new Map<string, number>();
  let passed = 0, masked = 0, unlocked = 0;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const one = JSON.parse(line) as VectorCase, why = exclusion(one);
    if (why !== undefined) {
      excluded.set(why, (excluded.get(why) ?? 0) + 1);
      continue;
    }
    const result = compare(vm, one);
    if (result.wrong.length > 0) {
      failed.push(`${one.op} ${one.n} ${one.name} (${one.bytes}): ${result.wrong.join("; ")}`);
    } else passed++;
    if (result.masked) masked++;
    if (result.unlocked) unlocked++;
  }
  return { passed, failed, excluded, masked, unlocked };
}
