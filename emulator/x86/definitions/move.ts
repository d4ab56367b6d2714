/** Moves, extensions, exchanges, addresses. SDM vol. 2A and 2B, by mnemonic. */
import type { Ops, Value } from "../../ir/ops.ts";
import { cond } from "../flags.ts";
import { writeRegister } from "../operand.ts";
import type { Definition } from "../record.ts";
import { settleSegments } from "../segment_register.ts";
import { RAX, RDX } from "../slots.ts";

/** MOV: DEST <- SRC. */
export const mov: Definition = {
  mnemonic: "mov",
  encodings: {
    "88": "Eb,Gb",
    "89": "Ev,Gv",
    "8a": "Gb,Eb",
    "8b": "Gv,Ev",
    "b0+r": "Zb,Ib",
    "b8+r": "Zv,Iv",
    "c6 /0": "Eb,Ib",
    "c7 /0": "Ev,Iz",
    "a0": "AL,Ob",
    "a1": "rAX,Ov",
    "a2": "Ob,AL",
    "a3": "Ov,rAX",
  },
  memory: "store",
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    dst.write(b, src.read(b));
  },
  examples: [
    "89 d8 | mov eax, ebx | ebx=12345678 => eax=12345678",
    "89 d8 | mov eax, ebx | rax=ffffffffffffffff rbx=1 => rax=1 | 64",
    "88 e0 | mov al, ah | eax=1234 => eax=1212",
    "66 89 d8 | mov ax, bx | eax=ffffffff ebx=12345678 => eax=ffff5678",
    "8b 43 fc | mov eax, dword ptr [ebx-4] | ebx=2004 d[2000]=cafe1234 => eax=cafe1234 | 32",
    "8b 43 fc | mov eax, dword ptr [ebx-4] | ebx=3 d[ffffffff]=1 => eax=1 | 32",
    "48 8b 44 cb 08 | mov rax, qword ptr [rbx+rcx*8+8] | rbx=2000 rcx=2 q[2018]=123456789abcdef0 => rax=123456789abcdef0 | 64",
    "8b 05 10 00 00 00 | mov eax, dword ptr [rel 0x1016] | pc=1000 d[1016]=77 => eax=77 | 64",
    "64 8b 04 25 10 00 00 00 | mov eax, dword ptr fs:[0x10] | fs_base=2000 d[2010]=55 => eax=55 | 64",
    "65 89 03 | mov dword ptr gs:[ebx], eax | gs_base=2000 ebx=8 eax=6 => d[2008]=6 | 32",
    "8b 07 | mov ax, word ptr [bx] | ebx=4 ds_base=2000 w[2004]=abcd => eax=abcd | 16",
    "8b 42 fe | mov ax, word ptr [bp+si-2] | ebp=ffff esi=5 ss_base=3000 w[3002]=1 => eax=1 | 16",
    "26 88 05 | mov byte ptr es:[di], al | eax=7 edi=3 es_base=4000 => b[4003]=7 | 16",
    "48 b8 88 77 66 55 44 33 22 11 | mov rax, 0x1122334455667788 | => rax=1122334455667788 | 64",
    "48 c7 c0 ff ff ff ff | mov rax, 0xffffffffffffffff | => rax=ffffffffffffffff | 64",
    "b8 05 00 00 00 | mov eax, 5 | eax=0 => eax=5",
    "40 b4 05 | mov spl, 5 | rsp=100 => rsp=105 | 64",
    "b4 05 | mov ah, 5 | eax=0 => eax=500",
    "a1 00 20 00 00 | mov eax, dword ptr [0x2000] | d[2000]=9 => eax=9 | 32",
    "c6 03 80 | mov byte ptr [rbx], 0x80 | rbx=2000 => b[2000]=80 | 64",
  ],
};

/** MOV to a segment register. (Hardware also holds off interrupts for one instruction after MOV SS.) */
export const movToSegment: Definition = {
  mnemonic: "mov",
  encodings: { "8e": "Sw,Ew" },
  cycleClass: "alu",
  semantics(b, [dst, src], { variant }) {
    dst.write(b, src.read(b));
    settleSegments(b, variant);
  },
  examples: [
    "8e d8 | mov ds, ax | eax=1234 => ds=1234 ds_base=12340 | 16",
    "8e d8 | mov ds, ax | eax=10 => trap=load_segment(3,10)",
  ],
};

/** MOV from a segment register: a wider register gets zeros in front, memory always 16 bits. */
function fromSegment(operand: "Rv" | "Mw", examples: string[]): Definition {
  return {
    mnemonic: "mov",
    encodings: { "8c": `${operand},Sw` },
    memory: "store",
    cycleClass: "alu",
    semantics(b, [dst, src]) {
      dst.write(b, b.zext(src.read(b), dst.width));
    },
    examples,
  };
}

export const movFromSegment = fromSegment("Rv", [
  "8c c0 | mov ax, es | eax=10000 es=7 => eax=10007 | 16",
  "8c c0 | mov eax, es | eax=ffffffff es=7 => eax=7",
]);
export const movSegmentToMemory = fromSegment("Mw", [
  "8c 1b | mov word ptr [ebx], ds | ebx=2000 ds=10 d[2000]=ffffffff => d[2000]=ffff0010 | 32",
]);

/** MOVZX: DEST <- SRC with zeros in front. */
export const movzx: Definition = {
  mnemonic: "movzx",
  encodings: { "0f b6": "Gv,Eb", "0f b7": "Gv,Ew" },
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    dst.write(b, b.zext(src.read(b), dst.width));
  },
  examples: ["0f b6 c3 | movzx eax, bl | eax=ffffffff ebx=1ff => eax=ff"],
};

/** MOVSX and MOVSXD: DEST <- SRC with its sign in front. */
function signExtend(mnemonic: string, encodings: Record<string, string>, examples: string[]): Definition {
  return {
    mnemonic,
    encodings,
    cycleClass: "alu",
    semantics(b, [dst, src]) {
      dst.write(b, b.sext(src.read(b), dst.width));
    },
    examples,
  };
}

export const movsx = signExtend("movsx", { "0f be": "Gv,Eb", "0f bf": "Gv,Ew" }, [
  "0f be c3 | movsx eax, bl | ebx=180 => eax=ffffff80",
  "48 0f bf c3 | movsx rax, bx | rbx=8000 => rax=ffffffffffff8000 | 64",
]);
export const movsxd = signExtend("movsxd", { "63": "Gv,Ed;only64 o32 o64" }, [
  "48 63 c3 | movsxd rax, ebx | rbx=80000000 => rax=ffffffff80000000 | 64",
]);

/** LEA: DEST <- the offset of SRC within its segment. */
export const lea: Definition = {
  mnemonic: "lea",
  encodings: { "8d": "Gv,M" },
  memory: "none",
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    const offset = src.offset(b);
    dst.write(
      b,
      offset.width < dst.width ? b.zext(offset, dst.width) : b.trunc(offset, dst.width),
    );
  },
  examples: [
    "8d 44 8b f8 | lea eax, [ebx+ecx*4-8] | ebx=100 ecx=3 => eax=104 | 32",
    "8d 44 8b f8 | lea eax, [rbx+rcx*4-8] | rbx=100000100 rcx=3 => rax=104 | 64",
    "48 8d 05 00 00 00 00 | lea rax, [rel 0x1007] | pc=1000 => rax=1007 | 64",
    "66 8d 01 | lea eax, [bx+di] | ebx=ffff edi=2 => eax=1 | 16",
  ],
};

/** XCHG: TEMP <- DEST; DEST <- SRC; SRC <- TEMP. With memory it is locked anyway. */
export const xchg: Definition = {
  mnemonic: "xchg",
  encodings: { "86": "Eb,Gb", "87": "Ev,Gv", "90+r": "Zv,rAX;not0", "rex.b 90": "Zv,rAX" },
  symmetric: true,
  lock: true,
  memory: "rmw",
  cycleClass: "alu",
  semantics(b, [dst, src]) {
    const x = dst.readForWrite(b), y = src.read(b);
    dst.write(b, y);
    src.write(b, x);
  },
  examples: [
    "87 d8 | xchg eax, ebx | eax=1 ebx=2 => eax=2 ebx=1",
    "93 | xchg ebx, eax | eax=1 ebx=2 => eax=2 ebx=1",
    "41 90 | xchg r8d, eax | rax=1 r8=2 => rax=2 r8=1 | 64",
    "87 06 | xchg dword ptr [esi], eax | eax=1 esi=2000 d[2000]=5 => eax=5 d[2000]=1 | 32",
  ],
};

/** CBW, CWDE, CDQE: accumulator <- sign extension of its lower half. */
function widen(mnemonic: string, size: 16 | 32 | 64, example: string): Definition {
  return {
    mnemonic,
    encodings: { "98": `;o${size}` },
    cycleClass: "alu",
    semantics(b, _operands, { mode }) {
      writeRegister(b, mode, RAX, b.sext(b.read(RAX, size / 2 as 8 | 16 | 32), size));
    },
    examples: [example],
  };
}

export const cbw = widen("cbw", 16, "66 98 | cbw | eax=12340080 => eax=1234ff80");
export const cwde = widen("cwde", 32, "98 | cwde | eax=8000 => eax=ffff8000");
export const cdqe = widen("cdqe", 64, "48 98 | cdqe | rax=80000000 => rax=ffffffff80000000 | 64");

/** CWD, CDQ, CQO: rDX <- the sign of the accumulator in every bit. */
function spread(mnemonic: string, size: 16 | 32 | 64, example: string): Definition {
  return {
    mnemonic,
    encodings: { "99": `;o${size}` },
    cycleClass: "alu",
    semantics(b, _operands, { mode }) {
      const negative = b.lts(b.read(RAX, size), b.constant(size, 0));
      writeRegister(b, mode, RDX, b.neg(b.zext(negative, size)));
    },
    examples: [example],
  };
}

export const cwd = spread("cwd", 16, "66 99 | cwd | eax=8000 edx=12345678 => edx=1234ffff");
export const cdq = spread("cdq", 32, "99 | cdq | eax=80000000 => edx=ffffffff");
export const cqo = spread("cqo", 64, "48 99 | cqo | rax=7fffffffffffffff rdx=5 => rdx=0 | 64");

/** The bytes of a 32-bit value in reverse order. */
function reversed<V extends Value>(b: Ops<V>, v: V): V {
  const mask = b.constant(32, 0x00ff00ff), eight = b.constant(32, 8);
  return b.or(b.and(b.rotl(v, eight), mask), b.rotr(b.and(v, mask), eight));
}

/** BSWAP: the bytes of DEST in reverse order; of a 16-bit register undefined, so not implemented. */
export const bswap: Definition = {
  mnemonic: "bswap",
  encodings: { "0f c8+r": "Zv;o32 o64" },
  cycleClass: "alu",
  semantics(b, [dst]) {
    const x = dst.read(b);
    if (dst.width === 32) return dst.write(b, reversed(b, x));
    const low = b.trunc(x, 32), high = b.trunc(b.shr(x, b.constant(64, 32)), 32);
    const top = b.shl(b.zext(reversed(b, low), 64), b.constant(64, 32));
    dst.write(b, b.or(top, b.zext(reversed(b, high), 64)));
  },
  examples: [
    "0f c8 | bswap eax | eax=12345678 => eax=78563412",
    "48 0f cb | bswap rbx | rbx=0102030405060708 => rbx=807060504030201 | 64",
  ],
};

/** SETcc: DEST <- condition ? 1 : 0. */
export const setcc: Definition = {
  mnemonic: "set{cc}",
  encodings: { "0f 90+cc": "Eb" },
  memory: "store",
  cycleClass: "alu",
  semantics(b, [dst], { cc }) {
    dst.write(b, b.zext(cond(b, cc), 8));
  },
  examples: [
    "0f 92 c0 | setb al | eax=ff cf=1 => eax=1",
    "0f 9f c0 | setg al | sf=1 of=1 zf=0 => eax=1",
    "0f 9e c0 | setle al | sf=1 of=0 zf=0 => eax=1",
    "0f 9a c0 | setp al | pf=1 => eax=1",
    "0f 91 c0 | setno al | of=1 => eax=0",
  ],
};

/** CMOVcc: TEMP <- SRC; if condition DEST <- TEMP. It loads, and clears the upper half, in any case. */
export const cmovcc: Definition = {
  mnemonic: "cmov{cc}",
  encodings: { "0f 40+cc": "Gv,Ev" },
  cycleClass: "alu",
  semantics(b, [dst, src], { cc }) {
    const y = src.read(b);
    dst.write(b, b.select(cond(b, cc), y, dst.read(b)));
  },
  examples: [
    "0f 44 c3 | cmove eax, ebx | eax=1 ebx=2 zf=1 => eax=2",
    "0f 44 c3 | cmove eax, ebx | rax=ffffffff00000001 rbx=2 zf=0 => rax=1 | 64",
  ],
};
