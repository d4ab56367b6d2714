/** Addition, subtraction, logic and comparison. SDM vol. 2A and 2B, by mnemonic. */
import type { Ops, Recipe, Value } from "../../ir/ops.ts";
import { raise, VECTOR } from "../exception.ts";
import { FLAG } from "../flag_bits.ts";
import { adcFlags, addFlags, carry, decFlags, incFlags, logicFlags, sbbFlags, subFlags } from "../flags.ts";
import { eflags, storedFlags } from "../flags.ts";
import { partAddress } from "../memory_operand.ts";
import { writeRegister } from "../operand.ts";
import type { Definition } from "../record.ts";
import { RAX, RBX, RCX, RDX } from "../slots.ts";

/** The encodings that the eight classic operations share: `n` is their place in the opcode map. */
function classic(n: number): Record<string, string> {
  const op = (low: number) => (8 * n + low).toString(16).padStart(2, "0");
  return {
    [op(0)]: "Eb,Gb",
    [op(1)]: "Ev,Gv",
    [op(2)]: "Gb,Eb",
    [op(3)]: "Gv,Ev",
    [op(4)]: "AL,Ib",
    [op(5)]: "rAX,Iz",
    [`80 /${n}`]: "Eb,Ib",
    [`82 /${n}`]: "Eb,Ib;not64",
    [`81 /${n}`]: "Ev,Iz",
    [`83 /${n}`]: "Ev,Is",
  };
}

/** An operation of two operands: its result, and the flags for it. */
interface Binary {
  compute<V extends Value>(b: Ops<V>, x: V, y: V): V;
  flags<V extends Value>(b: Ops<V>, x: V, y: V, result: V): Recipe<V>;
}

function binary(mnemonic: string, n: number, how: Binary, examples: readonly string[]): Definition {
  return {
    mnemonic,
    encodings: classic(n),
    lock: true,
    memory: "rmw",
    cycleClass: "alu",
    semantics(b, [dst, src]) {
      const y = src.read(b), x = dst.readForWrite(b), result = how.compute(b, x, y);
      const recipe = how.flags(b, x, y, result);
      dst.write(b, result);
      b.flags(recipe);
    },
    examples,
  };
}

const and: Binary = { compute: (b, x, y) => b.and(x, y), flags: (b, _x, _y, r) => logicFlags(b, r) };
const subtract: Binary = { compute: (b, x, y) => b.sub(x, y), flags: subFlags };

/** ADD: DEST <- DEST + SRC; OF SF ZF AF CF PF by the result. */
export const add = binary("add", 0, { compute: (b, x, y) => b.add(x, y), flags: addFlags }, [
  "01 d8 | add eax, ebx | eax=7 ebx=8 => eax=f cf=0 zf=0 sf=0 of=0 af=0 pf=1",
  "01 d8 | add eax, ebx | eax=7fffffff ebx=1 => eax=80000000 cf=0 sf=1 of=1 af=1 pf=1",
  "00 e3 | add bl, ah | eax=ff00 ebx=1 => ebx=0 cf=1 zf=1 of=0 af=1",
  "01 d8 | add ax, bx | eax=1ffff ebx=1 => eax=10000 cf=1 zf=1 | 16",
  "48 01 d8 | add rax, rbx | rax=ffffffffffffffff rbx=2 => rax=1 cf=1 zf=0 of=0 | 64",
  "01 d8 | add eax, ebx | rax=ffffffff00000001 rbx=2 => rax=3 cf=0 | 64",
  "83 c0 ff | add eax, 0xffffffff | eax=1 => eax=0 cf=1 zf=1",
  "01 03 | add dword ptr [ebx], eax | eax=1 ebx=2000 d[2000]=ffffffff => d[2000]=0 cf=1 zf=1 | 32",
  "66 83 44 8b 04 01 | add word ptr [ebx+ecx*4+4], 1 | ebx=2000 ecx=2 w[200c]=7fff => w[200c]=8000 of=1 | 32",
  "f0 00 03 | lock add byte ptr [rbx], al | eax=5 rbx=2000 b[2000]=1 => b[2000]=6 | 64",
]);

/** OR: DEST <- DEST OR SRC; OF and CF cleared, SF ZF PF by the result, AF undefined (cleared here). */
export const or = binary("or", 1, { compute: (b, x, y) => b.or(x, y), flags: and.flags }, [
  "09 d8 | or eax, ebx | eax=f0 ebx=3 cf=1 of=1 => eax=f3 cf=0 of=0 sf=0 zf=0 pf=1",
]);

/** ADC: DEST <- DEST + SRC + CF; flags as ADD. */
export const adc = binary("adc", 2, {
  compute: (b, x, y) => b.add(b.add(x, y), b.zext(carry(b), x.width)),
  flags: adcFlags,
}, [
  "11 d8 | adc eax, ebx | eax=ffffffff ebx=0 cf=1 => eax=0 cf=1 zf=1 af=1",
  "11 d8 | adc eax, ebx | eax=ffffffff ebx=ffffffff cf=1 => eax=ffffffff cf=1 of=0",
  "11 d8 | adc eax, ebx | eax=7fffffff ebx=0 cf=1 => eax=80000000 cf=0 of=1",
  "10 d8 | adc al, bl | eax=1 ebx=2 cf=0 => eax=3 cf=0",
]);

/** SBB: DEST <- DEST - (SRC + CF); flags as SUB. */
export const sbb = binary("sbb", 3, {
  compute: (b, x, y) => b.sub(b.sub(x, y), b.zext(carry(b), x.width)),
  flags: sbbFlags,
}, [
  "19 c0 | sbb eax, eax | eax=5 cf=1 => eax=ffffffff cf=1 sf=1 zf=0",
  "19 d8 | sbb eax, ebx | eax=0 ebx=ffffffff cf=1 => eax=0 cf=1 zf=1",
  "19 d8 | sbb eax, ebx | eax=80000000 ebx=0 cf=1 => eax=7fffffff cf=0 of=1",
]);

/** AND: DEST <- DEST AND SRC; flags as OR. */
export const and_ = binary("and", 4, and, [
  "21 d8 | and eax, ebx | eax=ff ebx=80 cf=1 => eax=80 cf=0 zf=0 sf=0 pf=0",
  "24 80 | and al, 0x80 | eax=ff => eax=80 sf=1",
]);

/** SUB: DEST <- DEST - SRC; OF SF ZF AF CF PF by the result. */
export const sub = binary("sub", 5, subtract, [
  "29 d8 | sub eax, ebx | eax=5 ebx=7 => eax=fffffffe cf=1 sf=1 zf=0 of=0 af=1 pf=0",
  "2c 01 | sub al, 1 | eax=80 => eax=7f of=1 cf=0 af=1 sf=0",
]);

/** XOR: DEST <- DEST XOR SRC; flags as OR. */
export const xor = binary("xor", 6, { compute: (b, x, y) => b.xor(x, y), flags: and.flags }, [
  "31 c0 | xor eax, eax | eax=5 cf=1 => eax=0 zf=1 pf=1 cf=0",
]);

/** A comparison: the flags of an operation without its result. */
function comparing(
  mnemonic: string,
  encodings: Record<string, string>,
  how: Binary,
  examples: readonly string[],
): Definition {
  return {
    mnemonic,
    encodings,
    symmetric: mnemonic === "test",
    cycleClass: "alu",
    semantics(b, [first, second]) {
      const x = first.read(b), y = second.read(b);
      b.flags(how.flags(b, x, y, how.compute(b, x, y)));
    },
    examples,
  };
}

/** CMP: flags of SRC1 - SRC2. */
export const cmp = comparing("cmp", classic(7), subtract, [
  "39 d8 | cmp eax, ebx | eax=5 ebx=5 => eax=5 zf=1 cf=0",
  "3d 00 00 00 80 | cmp eax, 0x80000000 | eax=1 => cf=1 of=1 sf=1",
  "80 3b 07 | cmp byte ptr [ebx], 7 | ebx=2000 b[2000]=6 => cf=1 | 32",
]);

/** TEST: flags of SRC1 AND SRC2. */
export const test = comparing(
  "test",
  {
    "84": "Eb,Gb",
    "85": "Ev,Gv",
    "a8": "AL,Ib",
    "a9": "rAX,Iz",
    "f6 /0": "Eb,Ib",
    "f6 /1": "Eb,Ib",
    "f7 /0": "Ev,Iz",
    "f7 /1": "Ev,Iz",
  },
  and,
  ["85 c0 | test eax, eax | eax=80000000 cf=1 => sf=1 zf=0 cf=0", "a8 01 | test al, 1 | eax=2 => zf=1"],
);

function unary(
  mnemonic: string,
  encodings: Record<string, string>,
  semantics: Definition["semantics"],
  examples: readonly string[],
): Definition {
  return { mnemonic, encodings, lock: true, memory: "rmw", cycleClass: "alu", semantics, examples };
}

/** INC: DEST <- DEST + 1; OF SF ZF AF PF by the result, CF stays. */
export const inc = unary("inc", { "40+r": "Zv;not64", "fe /0": "Eb", "ff /0": "Ev" }, (b, [dst]) => {
  const x = dst.readForWrite(b), sum = b.add(x, b.constant(x.width, 1));
  const recipe = incFlags(b, x, sum);
  dst.write(b, sum);
  b.flags(recipe);
}, [
  "ff c0 | inc eax | eax=7fffffff cf=1 => eax=80000000 cf=1 of=1 sf=1 af=1",
  "ff c0 | inc eax | eax=ffffffff cf=0 => eax=0 cf=0 of=0 zf=1",
  "43 | inc ebx | ebx=1 => ebx=2 | 32",
]);

/** DEC: DEST <- DEST - 1; OF SF ZF AF PF by the result, CF stays. */
export const dec = unary("dec", { "48+r": "Zv;not64", "fe /1": "Eb", "ff /1": "Ev" }, (b, [dst]) => {
  const x = dst.readForWrite(b), difference = b.sub(x, b.constant(x.width, 1));
  const recipe = decFlags(b, x, difference);
  dst.write(b, difference);
  b.flags(recipe);
}, [
  "ff c8 | dec eax | eax=80000000 cf=0 => eax=7fffffff cf=0 of=1 sf=0 af=1",
  "fe c8 | dec al | eax=0 cf=1 => eax=ff cf=1 of=0 sf=1",
]);

/** NOT: DEST <- NOT DEST; no flags. */
export const not = unary("not", { "f6 /2": "Eb", "f7 /2": "Ev" }, (b, [dst]) => {
  dst.write(b, b.not(dst.readForWrite(b)));
}, ["f7 d0 | not eax | eax=0 zf=1 => eax=ffffffff zf=1"]);

/** NEG: DEST <- 0 - DEST; CF <- DEST != 0, the others as SUB. */
export const neg = unary("neg", { "f6 /3": "Eb", "f7 /3": "Ev" }, (b, [dst]) => {
  const y = dst.readForWrite(b), x = b.constant(y.width, 0), difference = b.sub(x, y);
  const recipe = subFlags(b, x, y, difference);
  dst.write(b, difference);
  b.flags(recipe);
}, [
  "f7 d8 | neg eax | eax=1 => eax=ffffffff cf=1 sf=1",
  "f7 d8 | neg eax | eax=0 => eax=0 cf=0 zf=1",
  "f7 d8 | neg eax | eax=80000000 => eax=80000000 cf=1 of=1",
]);

/** XADD: TEMP <- SRC + DEST; SRC <- DEST; DEST <- TEMP; flags as ADD. */
export const xadd: Definition = {
  mnemonic: "xadd",
  encodings: { "0f c0": "Eb,Gb", "0f c1": "Ev,Gv" },
  lock: true,
  memory: "rmw",
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    const x = dst.readForWrite(b), y = src.read(b), sum = b.add(x, y);
    const recipe = addFlags(b, x, y, sum);
    // A memory destination first, since its store may fault; equal registers end with the sum.
    if (dst.isMemory) {
      dst.write(b, sum);
      src.write(b, x);
    } else {
      src.write(b, x);
      dst.write(b, sum);
    }
    b.flags(recipe);
  },
  examples: [
    "0f c1 d8 | xadd eax, ebx | eax=5 ebx=3 => eax=8 ebx=5",
    "0f c1 c0 | xadd eax, eax | eax=5 => eax=a",
    "0f c1 1e | xadd dword ptr [esi], ebx | ebx=2 esi=2000 d[2000]=7 => d[2000]=9 ebx=7 | 32",
  ],
};

/**
 * CMPXCHG: TEMP <- DEST; flags of (accumulator - TEMP); if equal DEST <- SRC, else { accumulator <- TEMP;
 * DEST <- TEMP }.
 */
export const cmpxchg: Definition = {
  mnemonic: "cmpxchg",
  encodings: { "0f b0": "Eb,Gb", "0f b1": "Ev,Gv" },
  lock: true,
  memory: "rmw",
  cycleClass: "alu",
  semantics(b, [dst, src], { mode }) {
    const old = dst.readForWrite(b), expected = b.read(RAX, dst.width), y = src.read(b);
    const equal = b.eq(old, expected);
    const recipe = subFlags(b, expected, old, b.sub(expected, old));
    // If equal, the accumulator is not written: in mode 64 its upper half stays.
    const wide = mode === 64 && dst.width === 32 ? 64 : dst.width;
    const kept = b.select(equal, b.read(RAX, wide), b.zext(old, wide));
    // Memory is written in both cases, a register (its upper half too) only if equal.
    if (dst.isMemory) dst.write(b, b.select(equal, y, old));
    b.write(RAX, kept);
    if (!dst.isMemory) b.when(equal, () => dst.write(b, y));
    b.flags(recipe);
  },
  examples: [
    "0f b1 cb | cmpxchg ebx, ecx | eax=5 ebx=5 ecx=9 => ebx=9 eax=5 zf=1",
    "0f b1 cb | cmpxchg ebx, ecx | eax=4 ebx=5 ecx=9 => ebx=5 eax=5 zf=0 cf=1",
    "f0 0f b1 0e | lock cmpxchg dword ptr [esi], ecx | eax=5 ecx=9 esi=2000 d[2000]=5 => d[2000]=9 zf=1 | 32",
  ],
};

/** CMPXCHG8B, CMPXCHG16B: if rDX:rAX = DEST then { ZF <- 1; DEST <- rCX:rBX } else { ZF <- 0; rDX:rAX <- DEST }. */
function exchangeTwice(
  mnemonic: string,
  operands: string,
  half: 32 | 64,
  examples: readonly string[],
): Definition {
  return {
    mnemonic,
    encodings: { "0f c7 /1": operands },
    lock: true,
    memory: "rmw",
    cycleClass: "alu",
    semantics(b, [dst], { mode }) {
      const address = dst.address(b, "write"), other = partAddress(b, address, half / 8);
      if (half === 64) {
        const odd = b.ne(b.and(address, b.constant(64, 15)), b.constant(64, 0));
        b.when(odd, () => raise(b, VECTOR.GP));
      }
      const low = dst.part(b, 0, half, true), high = dst.part(b, half / 8, half, true);
      const equal = b.and(b.eq(low, b.read(RAX, half)), b.eq(high, b.read(RDX, half)));
      const others = b.and(eflags(b), b.constant(64, ~FLAG.ZF));
      const recipe = storedFlags(b, b.or(others, b.shl(b.zext(equal, 64), b.constant(64, 6))));
      b.store(address, b.select(equal, b.read(RBX, half), low));
      b.store(other, b.select(equal, b.read(RCX, half), high));
      b.when(b.not(equal), () => {
        writeRegister(b, mode, RAX, low);
        writeRegister(b, mode, RDX, high);
      });
      b.flags(recipe);
    },
    examples,
  };
}

export const cmpxchg8b = exchangeTwice("cmpxchg8b", "Mq;o16 o32", 32, [
  "0f c7 0e | cmpxchg8b qword ptr [esi] | eax=1 edx=2 ebx=3 ecx=4 esi=2000 q[2000]=200000001 cf=1 => q[2000]=400000003 zf=1 cf=1 | 32",
  "f0 0f c7 0e | lock cmpxchg8b qword ptr [esi] | eax=1 edx=2 esi=2000 q[2000]=500000001 zf=1 => eax=1 edx=5 zf=0 | 32",
]);

/** An operand that is not aligned to 16 bytes raises #GP. */
export const cmpxchg16b = exchangeTwice("cmpxchg16b", "Mx;o64", 64, [
  "48 0f c7 0e | cmpxchg16b xmmword ptr [rsi] | rax=1 rdx=2 rbx=3 rcx=4 rsi=2000 q[2000]=1 q[2008]=2 => q[2000]=3 q[2008]=4 zf=1 | 64",
  "48 0f c7 0e | cmpxchg16b xmmword ptr [rsi] | rsi=2008 => trap=exception(d,0) | 64",
]);
