/** Stack instructions. SDM vol. 2B PUSH, POP, PUSHF, POPF; vol. 2A LEAVE. */
import { REST } from "../flag_bits.ts";
import { eflags, storedFlags } from "../flags.ts";
import type { Definition } from "../record.ts";
import { EFLAGS_REST, RBP, RSP } from "../slots.ts";
import { pushValue, stackAddress, topOfStack } from "../stack_access.ts";

/** PUSH: rSP <- rSP - size; [rSP] <- SRC (the old rSP if that is pushed). */
export const push: Definition = {
  mnemonic: "push",
  encodings: { "50+r": "Zv;d64", "68": "Iz;d64", "6a": "Is;d64", "ff /6": "Ev;d64" },
  sized: true,
  cycleClass: "stack",
  semantics(b, [src], { mode }) {
    pushValue(b, mode, src.read(b));
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
  semantics(b, [dst], { mode, size }) {
    const { value, sp } = topOfStack(b, mode, size);
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
  semantics(b, _operands, { mode, size }) {
    pushValue(b, mode, b.trunc(eflags(b), size));
  },
  examples: [
    "9c | pushfq | rsp=2008 cf=1 zf=1 pf=0 af=1 sf=1 of=1 => rsp=2000 q[2000]=8d3 | 64",
    "9c | pushfd | esp=2004 cf=0 zf=0 pf=1 af=0 sf=0 of=0 => esp=2000 d[2000]=6 | 32",
  ],
};

/**
 * POPF: EFLAGS <- popped value, as at privilege level 0. 16 bits leave the upper half alone. RF, VM, VIF and
 * VIP are not kept; TF is kept and raises nothing.
 */
export const popf: Definition = {
  mnemonic: "popf",
  encodings: { "9d": ";d64" },
  sized: "suffix",
  endsBlock: true,
  cycleClass: "stack",
  semantics(b, _operands, { mode, size }) {
    const { value, sp } = topOfStack(b, mode, size);
    const wide = b.zext(value, 64);
    const rest = b.and(wide, b.constant(64, REST));
    const upper = b.and(b.read(EFLAGS_REST, 64), b.constant(64, REST & ~0xffffn));
    const recipe = storedFlags(b, wide);
    b.write(RSP, sp);
    b.write(EFLAGS_REST, size === 16 ? b.or(rest, upper) : rest);
    b.flags(recipe);
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
  semantics(b, _operands, { mode, size }) {
    const frame = b.read(RBP, mode);
    const value = b.load(stackAddress(b, mode, frame), size);
    b.write(RSP, b.add(frame, b.constant(mode, size / 8)));
    // 32 bits are popped in modes 16 and 32 only: nothing to extend.
    b.write(RBP, value);
  },
  examples: ["c9 | leave | rbp=2000 q[2000]=77 => rsp=2008 rbp=77 | 64"],
};
