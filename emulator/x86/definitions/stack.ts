/** Stack instructions. SDM vol. 2B PUSH, POP, PUSHA, POPA, PUSHF, POPF; vol. 2A ENTER, LEAVE. */
import type { Ops, Value, Width } from "../../ir/ops.ts";
import { VECTOR } from "../exception.ts";
import { FLAG } from "../flag_bits.ts";
import { commitEflags, eflags, tellOfLoaded } from "../flags.ts";
import { requireIoPrivilegeIn8086 } from "../privilege.ts";
import type { Definition, Instance } from "../record.ts";
import { settleSegments } from "../segment_register.ts";
import { gpr, RBP, RSP } from "../slots.ts";
import { pushAll, pushValue, stackAddress, stackLoad, stackStore, topOfStack } from "../stack_access.ts";
import { isChecked } from "../variant.ts";

/** PUSH: rSP <- rSP - size; [rSP] <- SRC (the old rSP if that is pushed). */
export const push: Definition = {
  mnemonic: "push",
  encodings: { "50+r": "Zv;d64", "68": "Iz;d64", "6a": "Is;d64", "ff /6": "Ev;d64" },
  sized: true,
  cycleClass: "stack",
  semantics(b, [src], { variant }) {
    pushValue(b, variant, src.read(b));
  },
  examples: [
    "53 | push ebx | ebx=7 esp=2004 => esp=2000 d[2000]=7 | 32",
    "54 | push rsp | rsp=2008 => rsp=2000 q[2000]=2008 | 64",
    "6a ff | push 0xffffffffffffffff | rsp=2008 => rsp=2000 q[2000]=ffffffffffffffff | 64",
    "53 | push bx | ebx=7 esp=2 ss_base=2000 => esp=0 w[2000]=7 | 16",
    "ff 33 | push dword ptr [ebx] | ebx=2000 d[2000]=5 esp=3004 => esp=3000 d[3000]=5 | 32",
  ],
};

/** POP: DEST <- [rSP]; rSP <- rSP + size, before DEST is written and before its address is computed. */
export const pop: Definition = {
  mnemonic: "pop",
  encodings: { "58+r": "Zv;d64", "8f /0": "Ev;d64" },
  poppedBase: true,
  memory: "store",
  cycleClass: "stack",
  semantics(b, [dst], { variant, size }) {
    const { value, sp } = topOfStack(b, variant, size);
    if (dst.isMemory) {
      dst.write(b, value);
      b.write(RSP, sp);
    } else {
      b.write(RSP, sp);
      dst.write(b, value);
    }
  },
  examples: [
    "5b | pop ebx | esp=2000 d[2000]=7 => esp=2004 ebx=7 | 32",
    "5c | pop rsp | rsp=2000 q[2000]=7 => rsp=7 | 64",
    "8f 04 24 | pop dword ptr [esp] | esp=2000 d[2000]=7 => esp=2004 d[2004]=7 | 32",
    "8f 03 | pop qword ptr [rbx] | rbx=3000 rsp=2000 q[2000]=7 => rsp=2008 q[3000]=7 | 64",
  ],
};

/** PUSHF: pushes EFLAGS. */
export const pushf: Definition = {
  mnemonic: "pushf",
  encodings: { "9c": ";d64" },
  sized: "suffix",
  cycleClass: "stack",
  semantics(b, _operands, { variant, size }) {
    requireIoPrivilegeIn8086(b, variant);
    // VM is not shown.
    const flags = b.and(eflags(b), b.constant(64, ~FLAG.VM));
    pushValue(b, variant, b.trunc(flags, size));
  },
  examples: [
    "9c | pushfq | rsp=2008 cf=1 zf=1 pf=0 af=1 sf=1 of=1 => rsp=2000 q[2000]=8d3 | 64",
    "9c | pushfd | esp=2004 cf=0 zf=0 pf=1 af=0 sf=0 of=0 => esp=2000 d[2000]=6 | 32",
  ],
};

/** POPF: EFLAGS <- popped value; of IOPL and IF what the privilege level may change. */
export const popf: Definition = {
  mnemonic: "popf",
  encodings: { "9d": ";d64" },
  sized: "suffix",
  endsBlock: true,
  cycleClass: "stack",
  semantics(b, _operands, { variant, size }) {
    requireIoPrivilegeIn8086(b, variant);
    const { value, sp } = topOfStack(b, variant, size);
    b.write(RSP, sp);
    commitEflags(b, b.zext(value, 64), size, variant);
    tellOfLoaded(b, value, b.nextPc());
  },
  examples: [
    "9d | popfq | rsp=2000 q[2000]=8d5 => rsp=2008 cf=1 pf=1 af=1 zf=1 sf=1 of=1 | 64",
    "9d | popfd | esp=2000 d[2000]=602 => esp=2004 cf=0 pf=0 af=0 zf=0 sf=0 of=0 eflags=602 | 32",
  ],
};

/** LEAVE: rSP <- rBP; rBP <- pop. */
export const leave: Definition = {
  mnemonic: "leave",
  encodings: { "c9": ";d64" },
  sized: true,
  cycleClass: "stack",
  semantics(b, _operands, { variant, size }) {
    const { stack } = variant, frame = b.read(RBP, stack);
    // The frame is data (#GP) where the top of the stack is not (#SS), but not in protected mode.
    const vector = variant.selectors === "protected" ? VECTOR.SS : VECTOR.GP;
    const value = b.load(stackAddress(b, variant, frame, size / 8, "read", vector), size);
    b.write(RSP, b.add(frame, b.constant(stack, size / 8)));
    // 32 bits are popped outside of 64-bit mode only: nothing to extend.
    b.write(RBP, value);
  },
  examples: ["c9 | leave | rbp=2000 q[2000]=77 => rsp=2008 rbp=77 | 64"],
};

/** PUSH of a segment register: its selector with zeros in front. */
export const pushSegment: Definition = {
  mnemonic: "push",
  encodings: {
    "06": "ES;not64",
    "0e": "CS;not64",
    "16": "SS;not64",
    "1e": "DS;not64",
    "0f a0": "FS;d64",
    "0f a8": "GS;d64",
  },
  sized: true,
  cycleClass: "stack",
  semantics(b, [src], { variant, size }) {
    pushValue(b, variant, b.zext(src.read(b), size));
  },
  examples: [
    "1e | push ds | ds=1234 esp=2002 => esp=2000 w[2000]=1234 | 16",
    "0f a8 | push gs | gs=10 rsp=2008 => rsp=2000 q[2000]=10 | 64",
  ],
};

/**
 * POP of a segment register: what MOV to it does, with the top of the stack. (Hardware also holds off interrupts
 * for one instruction after POP SS.)
 */
export const popSegment: Definition = {
  mnemonic: "pop",
  encodings: {
    "07": "ES;not64",
    "17": "SS;not64",
    "1f": "DS;not64",
    "0f a1": "FS;d64",
    "0f a9": "GS;d64",
  },
  sized: true,
  cycleClass: "stack",
  semantics(b, [dst], { variant, size }) {
    const { value, sp } = topOfStack(b, variant, size);
    dst.write(b, b.trunc(value, 16));
    b.write(RSP, sp);
    settleSegments(b, variant);
  },
  examples: [
    "1f | pop ds | esp=2000 w[2000]=1234 => esp=2002 ds=1234 ds_base=12340 | 16",
    "0f a1 | pop fs | rsp=2000 q[2000]=10 => rsp=2008 trap=load_segment(4,10) | 64",
  ],
};

/** Codes of the registers that PUSHA pushes, in this order: rAX first, rDI last. */
const ALL = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** PUSHA: pushes the eight general registers; of rSP the value before the first push. */
export const pusha: Definition = {
  mnemonic: "pusha",
  encodings: { "60": ";not64" },
  sized: "suffix",
  cycleClass: "stack",
  semantics(b, _operands, { variant, size }) {
    pushAll(b, variant, ALL.map((code) => b.read(gpr(code), size)));
  },
  examples: [
    "60 | pushad | eax=1 esp=2020 edi=8 => esp=2000 d[201c]=1 d[200c]=2020 d[2000]=8 | 32",
    "60 | pushaw | eax=1 esp=2010 edi=8 => esp=2000 w[200e]=1 w[2006]=2010 w[2000]=8 | 16",
  ],
};

/** POPA: pops them again; what stands for rSP is skipped. */
export const popa: Definition = {
  mnemonic: "popa",
  encodings: { "61": ";not64" },
  sized: "suffix",
  cycleClass: "stack",
  semantics(b, _operands, { variant, size }) {
    const { stack } = variant, sp = b.read(RSP, stack), bytes = size / 8;
    const at = (n: number) => b.add(sp, b.constant(stack, n * bytes));
    // What stands for rSP is skipped, but has to be there.
    if (isChecked(variant)) stackAddress(b, variant, at(3), bytes, "read");
    const values = ALL.filter((code) => code !== 4)
      .map((code) => [code, stackLoad(b, variant, at(7 - code), size)] as const);
    for (const [code, value] of values) b.write(gpr(code), value);
    b.write(RSP, at(8));
  },
  examples: ["61 | popad | esp=2000 d[2000]=8 d[200c]=5 d[201c]=1 => esp=2020 eax=1 edi=8 | 32"],
};

/** The low bits, or zeros in front. */
function resized<V extends Value>(b: Ops<V>, v: V, width: Width): V {
  return width < v.width ? b.trunc(v, width) : b.zext(v, width);
}

/** A stack pointer as a frame pointer: on a 16-bit stack it has the upper half of ESP. */
function frameValue<V extends Value>(b: Ops<V>, sp: V, size: 16 | 32 | 64): V {
  if (sp.width >= size) return b.trunc(sp, size);
  return b.or(b.and(b.read(RSP, 32), b.constant(32, 0xffff_0000)), b.zext(sp, 32));
}

/** Frame pointers that ENTER copies at most. */
const LEVELS = 31;

/** Copies `level` - 1 frame pointers of the caller's below `frame`, then `frame` itself: the display. */
function copyDisplay<V extends Value>(
  b: Ops<V>,
  { variant, size }: Instance,
  frame: V,
  level: V,
): void {
  const { stack } = variant, old = b.read(RBP, stack);
  const below = (v: V, n: number) => b.sub(v, b.constant(stack, n * size / 8));
  for (let n = 1; n < LEVELS; n++) {
    b.when(b.ltu(b.constant(32, n), level), () => {
      const pointer = stackLoad(b, variant, below(old, n), size);
      stackStore(b, variant, below(frame, n), pointer);
    });
  }
  b.when(b.ne(level, b.constant(32, 0)), () => {
    const place = b.sub(frame, resized(b, b.mul(level, b.constant(32, size / 8)), stack));
    stackStore(b, variant, place, frameValue(b, frame, size));
  });
}

/**
 * ENTER: push rBP; FRAME <- rSP; push the display of (level mod 32) frame pointers; rBP <- FRAME; rSP <- rSP - imm16.
 * The new rSP has to lie where the stack can be written. If ENTER faults half-way through a display that overlaps the
 * new one, what it had stored is read when it is tried again.
 */
export const enter: Definition = {
  mnemonic: "enter",
  encodings: { "c8": "Iw,Lb;d64" },
  sized: true,
  cycleClass: "stack",
  semantics(b, [locals, depth], instance) {
    const { variant, size } = instance, { stack } = variant;
    const bytes = b.constant(stack, size / 8);
    const level = b.and(b.zext(depth.read(b), 32), b.constant(32, 31));
    const frame = b.sub(b.read(RSP, stack), bytes);
    stackStore(b, variant, frame, b.read(RBP, size));
    copyDisplay(b, instance, frame, level);
    const display = b.mul(resized(b, level, stack), bytes);
    const sp = b.sub(b.sub(frame, display), b.zext(locals.read(b), stack));
    const top = stackAddress(b, variant, sp, isChecked(variant) ? size / 8 : 1, "write");
    // A page that cannot be written there faults now. SDM vol. 2A, ENTER.
    b.load(top, 8, { forWrite: true });
    b.write(RBP, frameValue(b, frame, size));
    b.write(RSP, sp);
  },
  examples: [
    "c8 10 00 00 | enter 0x10, 0 | rbp=77 rsp=2008 => rbp=2000 rsp=1ff0 q[2000]=77 | 64",
    "c8 04 00 02 | enter 4, 2 | ebp=3000 esp=2004 d[2ffc]=55 => ebp=2000 esp=1ff4 d[2000]=3000 d[1ffc]=55 d[1ff8]=2000 | 32",
    "c8 02 00 01 | enter 2, 1 | ebp=30 esp=2002 => ebp=2000 esp=1ffc w[2000]=30 w[1ffe]=2000 | 16",
  ],
};
