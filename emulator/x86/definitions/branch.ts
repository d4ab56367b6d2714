/** Jumps, calls, returns, loops. SDM vol. 2A and 2B, by mnemonic. */
import type { Ops, Value } from "../../ir/ops.ts";
import { cond } from "../flags.ts";
import { writeRegister } from "../operand.ts";
import type { Definition, Instance } from "../record.ts";
import { checkTarget } from "../segment_limit.ts";
import { RCX, RSP } from "../slots.ts";
import { pushValue, topOfStack } from "../stack_access.ts";

/** JMP: rIP <- target. A 16-bit target clears the upper half of EIP. */
export const jmp: Definition = {
  mnemonic: "jmp",
  encodings: { "eb": "Jb;f64", "e9": "Jz;f64" },
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [target], { variant }) {
    const to = target.read(b);
    checkTarget(b, variant, to);
    b.branch(to);
  },
  examples: ["eb 10 | jmp 0x1012 | pc=1000 => pc=1012", "eb fe | jmp 0 | pc=0 => pc=0"],
};

/** JMP r/m: rIP <- SRC. */
export const jmpIndirect: Definition = {
  mnemonic: "jmp",
  encodings: { "ff /4": "Ev;f64" },
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [target], { variant }) {
    const to = b.zext(target.read(b), 64);
    checkTarget(b, variant, to);
    b.branch(to);
  },
  examples: [
    "ff e0 | jmp rax | rax=ffffffff80000000 => pc=ffffffff80000000 | 64",
    "ff 23 | jmp dword ptr [ebx] | ebx=2000 d[2000]=80001234 => pc=80001234 | 32",
  ],
};

/** Jcc: if condition rIP <- target. */
export const jcc: Definition = {
  mnemonic: "j{cc}",
  encodings: { "70+cc": "Jb;f64", "0f 80+cc": "Jz;f64" },
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [target], { cc, variant }) {
    const taken = cond(b, cc), to = target.read(b);
    checkTarget(b, variant, to, taken);
    b.branchIf(taken, to);
  },
  examples: [
    "74 10 | je 0x1012 | pc=1000 zf=1 => pc=1012",
    "75 10 | jne 0x1012 | pc=1000 zf=1 => pc=1002",
    "0f 8c fa ff ff ff | jl 0x1000 | pc=1000 sf=1 of=0 => pc=1000",
    "77 02 | ja 0x1004 | pc=1000 cf=0 zf=0 => pc=1004",
  ],
};

/** LOOP, LOOPE, LOOPNE: rCX <- rCX - 1 (address size); if rCX != 0 (and ZF, and not ZF) rIP <- target. */
function looping(
  mnemonic: string,
  opcode: string,
  cc: number | undefined,
  aliases: string[],
  examples: string[],
): Definition {
  return {
    mnemonic,
    aliases,
    encodings: { [opcode]: "Jb;f64" },
    endsBlock: true,
    addressed: true,
    cycleClass: "branch",
    semantics(b, [target], { mode, variant, address }) {
      const count = b.sub(b.read(RCX, address), b.constant(address, 1));
      const more = b.ne(count, b.constant(address, 0));
      const taken = cc === undefined ? more : b.and(more, cond(b, cc));
      const to = target.read(b);
      checkTarget(b, variant, to, taken);
      writeRegister(b, mode, RCX, count);
      b.branchIf(taken, to);
    },
    examples,
  };
}

const E = 4, NE = 5;
export const loop = looping("loop", "e2", undefined, [], [
  "e2 fe | loop 0x1000 | pc=1000 ecx=2 => pc=1000 ecx=1",
  "e2 fe | loop 0x1000 | pc=1000 ecx=1 => pc=1002 ecx=0",
]);
export const loope = looping("loope", "e1", E, ["loopz"], [
  "e1 fe | loope 0x1000 | pc=1000 ecx=2 zf=0 => pc=1002 ecx=1",
]);
export const loopne = looping("loopne", "e0", NE, ["loopnz"], [
  "e0 fe | loopne 0x1000 | pc=1000 ecx=2 zf=0 => pc=1000 ecx=1",
]);

/** JCXZ, JECXZ, JRCXZ: if the count register of the address size is 0, rIP <- target. */
function countZero(mnemonic: string, encodings: Record<string, string>, examples: string[]): Definition {
  return {
    mnemonic,
    encodings,
    endsBlock: true,
    cycleClass: "branch",
    semantics(b, [target], { variant, address }) {
      const taken = b.eq(b.read(RCX, address), b.constant(address, 0)), to = target.read(b);
      checkTarget(b, variant, to, taken);
      b.branchIf(taken, to);
    },
    examples,
  };
}

export const jcxz = countZero("jcxz", { "e3": "Jb;f64 only16", "67 e3": "Jb;f64 only32" }, [
  "e3 10 | jcxz 0x1012 | pc=1000 ecx=10000 => pc=1012 | 16",
]);
export const jecxz = countZero("jecxz", { "e3": "Jb;f64 only32", "67 e3": "Jb;f64 not32" }, [
  "e3 10 | jecxz 0x1012 | pc=1000 ecx=1 => pc=1002 | 32",
  "67 e3 10 | jecxz 0x1013 | pc=1000 rcx=100000000 => pc=1013 | 64",
]);
export const jrcxz = countZero("jrcxz", { "e3": "Jb;f64 only64" }, [
  "e3 10 | jrcxz 0x1012 | pc=1000 rcx=0 => pc=1012 | 64",
]);

/** CALL: push the next address; rIP <- target. */
export const call: Definition = {
  mnemonic: "call",
  encodings: { "e8": "Jz;f64" },
  sized: true,
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [target], { variant, size }) {
    const to = target.read(b);
    checkTarget(b, variant, to);
    pushValue(b, variant, b.trunc(b.nextPc(), size));
    b.branch(to);
  },
  examples: [
    "e8 0b 00 00 00 | call 0x1010 | pc=1000 rsp=2008 => pc=1010 rsp=2000 q[2000]=1005 | 64",
    "e8 0d 00 | call 0x1010 | pc=1000 esp=2002 => pc=1010 esp=2000 w[2000]=1003 | 16",
  ],
};

/** CALL r/m: TEMP <- SRC; push the next address; rIP <- TEMP. */
export const callIndirect: Definition = {
  mnemonic: "call",
  encodings: { "ff /2": "Ev;f64" },
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [src], { variant, size }) {
    const target = b.zext(src.read(b), 64);
    checkTarget(b, variant, target);
    pushValue(b, variant, b.trunc(b.nextPc(), size));
    b.branch(target);
  },
  examples: [
    "ff d0 | call eax | eax=5000 pc=1000 esp=2004 => pc=5000 esp=2000 d[2000]=1002 | 32",
    "ff d4 | call rsp | pc=1000 rsp=2008 => pc=2008 rsp=2000 q[2000]=1002 | 64",
  ],
};

function returning<V extends Value>(b: Ops<V>, { variant, size }: Instance, release?: V): void {
  const { value, sp } = topOfStack(b, variant, size), to = b.zext(value, 64);
  checkTarget(b, variant, to);
  b.write(RSP, release === undefined ? sp : b.add(sp, release));
  b.branch(to);
}

/** RET: rIP <- pop. */
export const ret: Definition = {
  mnemonic: "ret",
  encodings: { "c3": ";f64" },
  sized: true,
  endsBlock: true,
  cycleClass: "branch",
  semantics: (b, _operands, instance) => returning(b, instance),
  examples: ["c3 | ret | rsp=2000 q[2000]=1234 => rsp=2008 pc=1234 | 64"],
};

/** RET imm16: the same, then rSP <- rSP + imm. */
export const retImmediate: Definition = {
  mnemonic: "ret",
  encodings: { "c2": "Iw;f64" },
  sized: true,
  endsBlock: true,
  cycleClass: "branch",
  semantics(b, [release], instance) {
    returning(b, instance, b.zext(release.read(b), instance.variant.stack));
  },
  examples: ["c2 08 80 | ret 0x8008 | esp=2000 d[2000]=1234 => esp=a00c pc=1234 | 32"],
};
