/**
 * Far transfers, far pointers and software interrupts. SDM vol. 2A and 2B: CALL, JMP, RET, INT n, IRET, LDS, BOUND.
 *
 * In real and virtual-8086 mode a selector is a base, in real mode the interrupt table holds addresses: written out
 * here. Elsewhere descriptors are checked by the machine, behind a trap.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { raise, VECTOR } from "../exception.ts";
import { FLAG } from "../flag_bits.ts";
import { commitEflags, cond, eflags, tellOfLoaded } from "../flags.ts";
import type { Operand } from "../operand.ts";
import { requireIoPrivilegeIn8086 } from "../privilege.ts";
import type { Definition, Instance, OperandSize } from "../record.ts";
import { checkTarget } from "../segment_limit.ts";
import { settleSegments, writeBaseSelector } from "../segment_register.ts";
import { CS, DS, EFLAGS_REST, ES, FS, GS, IDT_BASE, IDT_LIMIT, RSP, SS } from "../slots.ts";
import { segmentBase, segmentSelector } from "../slots.ts";
import { pushAll, stackLoad } from "../stack_access.ts";
import type { Variant } from "../variant.ts";

/** Where a selector is a base: a segment register. */
function writeSegment<V extends Value>(b: Ops<V>, variant: Variant, index: number, selector: V): void {
  writeBaseSelector(b, variant, segmentSelector(index), segmentBase(index), selector);
}

/**
 * Where a selector is a base: on at an offset of another code segment. The offset goes through an operation, so that a
 * region does not take it for an address of its own, which lies in the old segment.
 */
function goTo<V extends Value>(b: Ops<V>, variant: Variant, selector: V, offset: V): void {
  writeSegment(b, variant, CS, selector);
  b.branch(inSegment(b, offset));
}

function inSegment<V extends Value>(b: Ops<V>, offset: V): V {
  return b.and(b.zext(offset, 64), b.constant(64, 0xffff));
}

/** Offset and selector of a far address. */
function farAddress<V extends Value>(b: Ops<V>, address: Operand<V>, size: OperandSize): [offset: V, cs: V] {
  return [address.part(b, 0, size), address.part(b, size / 8, 16)];
}

function jump<V extends Value>(b: Ops<V>, [address]: readonly Operand<V>[], instance: Instance): void {
  const { variant, size } = instance, [offset, selector] = farAddress(b, address, size);
  if (variant.selectors === "protected") {
    return b.trap("far_jump", [selector, offset, b.constant(32, size / 8)]);
  }
  checkTarget(b, variant, b.zext(offset, 64));
  goTo(b, variant, selector, offset);
}

function callFar<V extends Value>(
  b: Ops<V>,
  [address]: readonly Operand<V>[],
  { variant, size }: Instance,
): void {
  const [offset, selector] = farAddress(b, address, size);
  if (variant.selectors === "protected") {
    return b.trap("far_call", [selector, offset, b.constant(32, size / 8)]);
  }
  checkTarget(b, variant, b.zext(offset, 64));
  const back = b.trunc(b.nextPc(), size), cs = b.zext(b.read(segmentSelector(CS), 16), size);
  pushAll(b, variant, [cs, back]);
  goTo(b, variant, selector, offset);
}

const branching = { sized: true, endsBlock: true, cycleClass: "branch" } as const;

/** JMP far: CS:rIP <- the address. */
export const jmpFar: Definition = {
  mnemonic: "jmp",
  encodings: { "ea": "Av;not64" },
  ...branching,
  semantics: jump,
  examples: [
    "ea 34 12 00 20 | jmp far 0x2000:0x1234 | => cs=2000 cs_base=20000 pc=1234 | 16",
    "ea 78 56 34 12 08 00 | jmp far 8:0x12345678 | => trap=far_jump(8,12345678,4) | 32",
  ],
};
export const jmpFarIndirect: Definition = {
  mnemonic: "jmp",
  encodings: { "ff /5": "Mf" },
  ...branching,
  semantics: jump,
  examples: [
    "ff 2f | jmp far dword ptr [bx] | ebx=2000 d[2000]=30001234 => cs=3000 pc=1234 | 16",
    "48 ff 2f | jmp far tbyte ptr [rdi] | rdi=2000 q[2000]=123456789a w[2008]=10 => trap=far_jump(10,123456789a,8) | 64",
  ],
};

/** CALL far: push CS, push rIP; CS:rIP <- the address. */
export const callFarDirect: Definition = {
  mnemonic: "call",
  encodings: { "9a": "Av;not64" },
  ...branching,
  semantics: callFar,
  examples: [
    "9a 34 12 00 20 | call far 0x2000:0x1234 | pc=1000 esp=104 => cs=2000 pc=1234 esp=100 w[102]=0 w[100]=1005 | 16",
  ],
};
export const callFarIndirect: Definition = {
  mnemonic: "call",
  encodings: { "ff /3": "Mf" },
  ...branching,
  semantics: callFar,
  examples: [
    "ff 1f | call far fword ptr [edi] | edi=2000 d[2000]=77 w[2004]=8 => trap=far_call(8,77,4) | 32",
  ],
};

function farReturn<V extends Value>(b: Ops<V>, { variant, size }: Instance, release: V): void {
  if (variant.selectors === "protected") {
    return b.trap("far_return", [b.constant(32, size / 8), release]);
  }
  const sp = b.read(RSP, 16), at = (n: number) => b.add(sp, b.constant(16, n * size / 8));
  const offset = stackLoad(b, variant, sp, size), selector = stackLoad(b, variant, at(1), size);
  checkTarget(b, variant, b.zext(offset, 64));
  b.write(RSP, b.add(at(2), release));
  goTo(b, variant, b.trunc(selector, 16), offset);
}

/** RET far: rIP <- pop; CS <- pop; rSP <- rSP + imm16. */
export const retf: Definition = {
  mnemonic: "retf",
  aliases: ["lret"],
  encodings: { "cb": "" },
  ...branching,
  semantics: (b, _operands, instance) => farReturn(b, instance, b.constant(16, 0)),
  examples: [
    "cb | retf | esp=2000 d[2000]=30001234 => cs=3000 pc=1234 esp=2004 | 16",
    "cb | retf | => trap=far_return(4,0)",
  ],
};
export const retfImmediate: Definition = {
  mnemonic: "retf",
  aliases: ["lret"],
  encodings: { "ca": "Iw" },
  ...branching,
  semantics: (b, [release], instance) => farReturn(b, instance, release.read(b)),
  examples: ["ca 06 00 | retf 6 | esp=2000 d[2000]=30001234 => cs=3000 pc=1234 esp=200a | 16"],
};

/**
 * Real mode: pushes FLAGS, CS and the next IP, clears IF and TF, and goes on at the interrupt table's entry.
 * `vector` has 32 bits.
 */
function interruptThroughTable<V extends Value>(b: Ops<V>, variant: Variant, vector: V): void {
  const entry = b.shl(vector, b.constant(32, 2));
  const outside = b.ltu(b.read(IDT_LIMIT, 32), b.add(entry, b.constant(32, 3)));
  b.when(outside, () => raise(b, VECTOR.GP));
  const at = b.add(b.read(IDT_BASE, 32), entry);
  const offset = b.load(at, 16), selector = b.load(b.add(at, b.constant(32, 2)), 16);
  pushAll(b, variant, [b.trunc(eflags(b), 16), b.read(segmentSelector(CS), 16), b.trunc(b.nextPc(), 16)]);
  b.write(EFLAGS_REST, b.and(b.read(EFLAGS_REST, 64), b.constant(64, ~(FLAG.IF | FLAG.TF))));
  goTo(b, variant, selector, offset);
}

function interrupt<V extends Value>(b: Ops<V>, { variant }: Instance, vector: V): void {
  if (variant.selectors === "real") interruptThroughTable(b, variant, vector);
  else b.trap("interrupt", [vector]);
}

const system = { endsBlock: true, cycleClass: "system" } as const;

/**
 * INT n: an interrupt that software asks for; the saved address is that of the next instruction. In virtual-8086 mode
 * it needs IOPL 3, other than INT1, INT3 and INTO.
 */
export const int: Definition = {
  mnemonic: "int",
  encodings: { "cd": "Ib" },
  ...system,
  semantics(b, [vector], instance) {
    requireIoPrivilegeIn8086(b, instance.variant);
    interrupt(b, instance, b.zext(vector.read(b), 32));
  },
  examples: [
    "cd 80 | int 0x80 | => trap=interrupt(80)",
    "cd 21 | int 0x21 | pc=1000 esp=106 eflags=303 d[84]=30001234 => cs=3000 pc=1234 esp=100 w[104]=303 w[102]=0 w[100]=1002 eflags=3 | 16",
  ],
};

/** INT1: #DB by software, as INT3 does #BP. */
export const int1: Definition = {
  mnemonic: "int1",
  aliases: ["icebp"],
  encodings: { "f1": "" },
  ...system,
  semantics: (b, _operands, instance) => interrupt(b, instance, b.constant(32, VECTOR.DB)),
  examples: ["f1 | int1 | => trap=interrupt(1)"],
};

/** INT3: #BP, vector 3. */
export const int3: Definition = {
  mnemonic: "int3",
  encodings: { "cc": "" },
  ...system,
  semantics: (b, _operands, instance) => interrupt(b, instance, b.constant(32, VECTOR.BP)),
  examples: ["cc | int3 | => trap=interrupt(3)"],
};

/** INTO: if OF, #OF, vector 4. */
export const into: Definition = {
  mnemonic: "into",
  encodings: { "ce": ";not64" },
  ...system,
  semantics(b, _operands, instance) {
    b.when(cond(b, 0), () => interrupt(b, instance, b.constant(32, VECTOR.OF)));
  },
  examples: ["ce | into | of=1 => trap=interrupt(4) | 32", "ce | into | pc=1000 of=0 => pc=1001 | 16"],
};

/** IRET: rIP <- pop; CS <- pop; EFLAGS <- pop. */
export const iret: Definition = {
  mnemonic: "iret",
  encodings: { "cf": "" },
  sized: "suffix",
  ...system,
  semantics(b, _operands, { variant, size }) {
    if (variant.selectors === "protected") return b.trap("iret", [b.constant(32, size / 8)]);
    requireIoPrivilegeIn8086(b, variant);
    const sp = b.read(RSP, 16), at = (n: number) => b.add(sp, b.constant(16, n * size / 8));
    const [offset, selector, flags] = [0, 1, 2].map((n) => stackLoad(b, variant, at(n), size));
    checkTarget(b, variant, b.zext(offset, 64));
    b.write(RSP, at(3));
    commitEflags(b, b.zext(flags, 64), size, variant);
    writeSegment(b, variant, CS, b.trunc(selector, 16));
    const target = inSegment(b, offset);
    tellOfLoaded(b, flags, target);
    b.branch(target);
  },
  examples: [
    "cf | iretw | esp=2000 d[2000]=30001234 w[2004]=203 => cs=3000 pc=1234 esp=2006 eflags=203 | 16",
    "48 cf | iretq | => trap=iret(8) | 64",
  ],
};

/** LDS, LES, LSS, LFS, LGS: segment:DEST <- far address in memory. */
function loadFar(mnemonic: string, key: string, index: number, example: string): Definition {
  return {
    mnemonic,
    encodings: { [key]: `Gv,Mp${key.length === 2 ? ";not64" : ""}` },
    cycleClass: "system",
    semantics(b, [dst, src], { variant, size }) {
      const [offset, selector] = farAddress(b, src, size);
      if (variant.selectors === "protected") b.trap("load_segment", [b.constant(32, index), selector]);
      else writeSegment(b, variant, index, selector);
      dst.write(b, offset);
      settleSegments(b, variant);
    },
    examples: [example],
  };
}

export const les = loadFar(
  "les",
  "c4",
  ES,
  "c4 07 | les ax, dword ptr [bx] | ebx=100 d[100]=20001234 => eax=1234 es=2000 es_base=20000 | 16",
);
export const lds = loadFar(
  "lds",
  "c5",
  DS,
  "c5 07 | lds eax, fword ptr [edi] | edi=2000 d[2000]=5 w[2004]=10 => eax=5 trap=load_segment(3,10) | 32",
);
export const lss = loadFar(
  "lss",
  "0f b2",
  SS,
  "0f b2 27 | lss sp, dword ptr [bx] | ebx=100 d[100]=20001234 => esp=1234 ss=2000 | 16",
);
export const lfs = loadFar(
  "lfs",
  "0f b4",
  FS,
  "48 0f b4 07 | lfs rax, tbyte ptr [rdi] | rdi=2000 q[2000]=5 w[2008]=10 => rax=5 trap=load_segment(4,10) | 64",
);
export const lgs = loadFar(
  "lgs",
  "0f b5",
  GS,
  "0f b5 07 | lgs ax, dword ptr [bx] | ebx=100 d[100]=20001234 => eax=1234 gs=2000 | 16",
);

/** BOUND: #BR unless lower <= index <= upper, all signed; the bounds stand one after the other in memory. */
export const bound: Definition = {
  mnemonic: "bound",
  encodings: { "62": "Gv,Ma;not64" },
  cycleClass: "load",
  semantics(b, [index, bounds], { size }) {
    const lower = bounds.part(b, 0, size), upper = bounds.part(b, size / 8, size), at = index.read(b);
    b.when(b.or(b.lts(at, lower), b.lts(upper, at)), () => raise(b, VECTOR.BR));
  },
  examples: [
    "62 07 | bound ax, dword ptr [bx] | eax=5 ebx=100 w[100]=fffe w[102]=5 pc=1000 => pc=1002 | 16",
    "62 07 | bound eax, qword ptr [edi] | eax=6 edi=2000 d[2000]=0 d[2004]=5 => trap=exception(5,0) | 32",
  ],
};
