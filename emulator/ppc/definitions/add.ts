/** Addition and subtraction (Power ISA 2.07B Book I 3.3.9). */
import { addOverflow, addWithCarry, finish, readCarry, writeCarry } from "../arithmetic.ts";
import { type Definition, ppc, type Variant } from "../definition.ts";
import type { Operands } from "../operands.ts";
import type { Ops, Value } from "../../ir/ops.ts";
import { recordResult } from "../condition.ts";
import type { PpcMode } from "../state.ts";

/** Add Immediate. RT <- (RA|0) + EXTS(SI). */
export const addi = ppc("addi", {
  pattern: "D-form: 14 RT RA0 SI",
  syntax: "RT, RA0, SI",
  aliases: ["li RT, SI | RA0=0"],
  accepts: ["la RT, SI(RA0)"],
  cycleClass: "alu",
  semantics(b, { RT, RA0, SI }) {
    RT.write(b, b.add(RA0.read(b), SI.read(b)));
  },
  examples: [
    "38610010 | addi r3, r1, 0x10 | r1=7ff0 => r3=8000",
    "3863ffff | addi r3, r3, -1 | r3=0 => r3=ffffffff | 32",
    "3863ffff | addi r3, r3, -1 | r3=0 => r3=ffffffffffffffff | 64",
    "3860fffb | li r3, -5 | r0=77 => r3=fffffffb | 32",
  ],
});

/** Add Immediate Shifted. RT <- (RA|0) + EXTS(SI || 0x0000). */
export const addis = ppc("addis", {
  pattern: "D-form: 15 RT RA0 SI",
  syntax: "RT, RA0, SI",
  aliases: ["lis RT, SI | RA0=0"],
  cycleClass: "alu",
  semantics(b, { RT, RA0, SI }, { mode }) {
    RT.write(b, b.add(RA0.read(b), b.shl(SI.read(b), b.constant(mode, 16))));
  },
  examples: [
    "3c640001 | addis r3, r4, 1 | r4=5 => r3=10005",
    "3c608000 | lis r3, -0x8000 | => r3=80000000 | 32",
    "3c608000 | lis r3, -0x8000 | => r3=ffffffff80000000 | 64",
  ],
});

/** Add Immediate Carrying. RT <- (RA) + EXTS(SI); CA. */
export const addic = ppc("addic", {
  pattern: "D-form: 12 RT RA SI",
  syntax: "RT, RA, SI",
  accepts: ["subic RT, RA, n | SI=-n"],
  cycleClass: "alu",
  semantics(b, { RT, RA, SI }) {
    const { sum, carry } = addWithCarry(b, RA.read(b), SI.read(b));
    RT.write(b, sum);
    writeCarry(b, carry);
  },
  examples: [
    "3064ffff | addic r3, r4, -1 | r4=1 => r3=0 ca=1",
    "30640001 | addic r3, r4, 1 | r4=ffffffff ca=1 => r3=0 ca=1 | 32",
    "30640001 | addic r3, r4, 1 | r4=ffffffff ca=1 => r3=100000000 ca=0 | 64",
  ],
});

/** Add Immediate Carrying and Record. RT <- (RA) + EXTS(SI); CA CR0. */
export const addicRecord = ppc("addic.", {
  pattern: "D-form: 13 RT RA SI",
  syntax: "RT, RA, SI",
  accepts: ["subic. RT, RA, n | SI=-n"],
  cycleClass: "alu",
  semantics(b, { RT, RA, SI }) {
    const { sum, carry } = addWithCarry(b, RA.read(b), SI.read(b));
    RT.write(b, sum);
    writeCarry(b, carry);
    recordResult(b, sum);
  },
  examples: ["3464ffff | addic. r3, r4, -1 | r4=1 so=1 => r3=0 ca=1 cr0=3"],
});

/** Subtract From Immediate Carrying. RT <- ¬(RA) + EXTS(SI) + 1; CA. */
export const subfic = ppc("subfic", {
  pattern: "D-form: 8 RT RA SI",
  syntax: "RT, RA, SI",
  cycleClass: "alu",
  semantics(b, { RT, RA, SI }) {
    const x = RA.read(b), y = SI.read(b);
    RT.write(b, b.sub(y, x));
    writeCarry(b, b.leu(x, y));
  },
  examples: [
    "20640005 | subfic r3, r4, 5 | r4=3 => r3=2 ca=1",
    "20640005 | subfic r3, r4, 5 | r4=6 ca=1 => r3=ffffffff ca=0 | 32",
  ],
});

/** Add. RT <- (RA) + (RB). */
export const add = ppc("add", {
  pattern: "XO-form: 31 RT RA RB OE 266 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "alu",
  semantics(b, { RT, RA, RB }, variant) {
    const x = RA.read(b), y = RB.read(b), sum = b.add(x, y);
    finish(b, RT, variant, sum, () => addOverflow(b, x, y, sum));
  },
  examples: [
    "7c642a14 | add r3, r4, r5 | r4=1 r5=2 => r3=3",
    "7c642a15 | add. r3, r4, r5 | r4=1 r5=ffffffff => r3=0 cr0=2 | 32",
    "7c642a15 | add. r3, r4, r5 | r4=1 r5=ffffffff => r3=100000000 cr0=4 | 64",
    "7c642e14 | addo r3, r4, r5 | r4=7fffffff r5=1 => r3=80000000 ov=1 so=1 | 32",
    "7c642e14 | addo r3, r4, r5 | r4=7fffffff r5=1 ov=1 => r3=80000000 ov=0 | 64",
    "7c642e15 | addo. r3, r4, r5 | r4=7fffffffffffffff r5=1 => r3=8000000000000000 ov=1 so=1 cr0=9 | 64",
  ],
});

/** Add Carrying. RT <- (RA) + (RB); CA. */
export const addc = ppc("addc", {
  pattern: "XO-form: 31 RT RA RB OE 10 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "alu",
  semantics(b, { RT, RA, RB }, variant) {
    const x = RA.read(b), y = RB.read(b), { sum, carry } = addWithCarry(b, x, y);
    writeCarry(b, carry);
    finish(b, RT, variant, sum, () => addOverflow(b, x, y, sum));
  },
  examples: [
    "7c642814 | addc r3, r4, r5 | r4=ffffffff r5=2 => r3=1 ca=1 | 32",
    "7c642814 | addc r3, r4, r5 | r4=ffffffff r5=2 ca=1 => r3=100000001 ca=0 | 64",
  ],
});

/** The meaning of the extended instructions: the sum of two addends made from the operands, and CA. */
type Addends = <V extends Value>(b: Ops<V>, operands: Operands<V>, mode: PpcMode) => readonly [V, V];

function extended(addends: Addends) {
  return <V extends Value>(b: Ops<V>, operands: Operands<V>, variant: Variant): void => {
    const [x, y] = addends(b, operands, variant.mode);
    const { sum, carry } = addWithCarry(b, x, y, readCarry(b, variant.mode));
    writeCarry(b, carry);
    finish(b, operands.RT, variant, sum, () => addOverflow(b, x, y, sum));
  };
}

/** Add Extended. RT <- (RA) + (RB) + CA; CA. */
export const adde = ppc("adde", {
  pattern: "XO-form: 31 RT RA RB OE 138 Rc",
  syntax: "RT, RA, RB",
  cycleClass: "alu",
  semantics: extended((b, { RA, RB }) => [RA.read(b), RB.read(b)]),
  examples: [
    "7c642914 | adde r3, r4, r5 | r4=1 r5=2 ca=1 => r3=4 ca=0",
    "7c642914 | adde r3, r4, r5 | r4=ffffffff r5=0 ca=1 => r3=0 ca=1 | 32",
    "7c642914 | adde r3, r4, r5 | r4=ffffffffffffffff r5=ffffffffffffffff ca=1 => r3=ffffffffffffffff ca=1 | 64",
    "7c642d14 | addeo r3, r4, r5 | r4=7fffffff r5=0 ca=1 => r3=80000000 ca=0 ov=1 so=1 | 32",
  ],
});

/** Add to Minus One Extended. RT <- (RA) + CA - 1; CA. */
export const addme = ppc("addme", {
  pattern: "XO-form: 31 RT RA /5 OE 234 Rc",
  syntax: "RT, RA",
  cycleClass: "alu",
  semantics: extended((b, { RA }, mode) => [RA.read(b), b.constant(mode, -1)]),
  examples: [
    "7c6401d4 | addme r3, r4 | r4=0 => r3=ffffffff ca=0 | 32",
    "7c6401d5 | addme. r3, r4 | r4=1 => r3=0 ca=1 cr0=2",
    "7c6401d4 | addme r3, r4 | r4=5 ca=1 => r3=5 ca=1",
  ],
});

/** Add to Zero Extended. RT <- (RA) + CA; CA. */
export const addze = ppc("addze", {
  pattern: "XO-form: 31 RT RA /5 OE 202 Rc",
  syntax: "RT, RA",
  cycleClass: "alu",
  semantics: extended((b, { RA }, mode) => [RA.read(b), b.constant(mode, 0)]),
  examples: [
    "7c640194 | addze r3, r4 | r4=5 ca=1 => r3=6 ca=0",
    "7c640194 | addze r3, r4 | r4=ffffffff ca=1 => r3=0 ca=1 | 32",
  ],
});

/** Subtract From. RT <- ¬(RA) + (RB) + 1. */
export const subf = ppc("subf", {
  pattern: "XO-form: 31 RT RA RB OE 40 Rc",
  syntax: "RT, RA, RB",
  accepts: ["sub RT, RB, RA"],
  cycleClass: "alu",
  semantics(b, { RT, RA, RB }, variant) {
    const x = RA.read(b), y = RB.read(b), difference = b.sub(y, x);
    finish(b, RT, variant, difference, () => addOverflow(b, b.not(x), y, difference));
  },
  examples: [
    "7c642850 | subf r3, r4, r5 | r4=2 r5=5 => r3=3",
    "7c642851 | subf. r3, r4, r5 | r4=5 r5=2 => r3=fffffffd cr0=8 | 32",
    "7c642c50 | subfo r3, r4, r5 | r4=1 r5=80000000 => r3=7fffffff ov=1 so=1 | 32",
    "7c642c50 | subfo r3, r4, r5 | r4=80000000 r5=80000000 ov=1 so=1 => r3=0 ov=0 so=1",
  ],
});

/** Subtract From Carrying. RT <- ¬(RA) + (RB) + 1; CA. */
export const subfc = ppc("subfc", {
  pattern: "XO-form: 31 RT RA RB OE 8 Rc",
  syntax: "RT, RA, RB",
  accepts: ["subc RT, RB, RA"],
  cycleClass: "alu",
  semantics(b, { RT, RA, RB }, variant) {
    const x = RA.read(b), y = RB.read(b), difference = b.sub(y, x);
    writeCarry(b, b.leu(x, y));
    finish(b, RT, variant, difference, () => addOverflow(b, b.not(x), y, difference));
  },
  examples: [
    "7c642810 | subfc r3, r4, r5 | r4=2 r5=2 => r3=0 ca=1",
    "7c642810 | subfc r3, r4, r5 | r4=3 r5=2 ca=1 => r3=ffffffff ca=0 | 32",
  ],
});

/** Subtract From Extended. RT <- ¬(RA) + (RB) + CA; CA. */
export const subfe = ppc("subfe", {
  pattern: "XO-form: 31 RT RA RB OE 136 Rc",
  syntax: "RT, RA, RB",
  accepts: ["sube RT, RB, RA"],
  cycleClass: "alu",
  semantics: extended((b, { RA, RB }) => [b.not(RA.read(b)), RB.read(b)]),
  examples: [
    "7c642910 | subfe r3, r4, r5 | r4=2 r5=5 ca=1 => r3=3 ca=1",
    "7c642910 | subfe r3, r4, r5 | r4=2 r5=5 => r3=2 ca=1",
    "7c642110 | subfe r3, r4, r4 | r4=2 => r3=ffffffff ca=0 | 32",
  ],
});

/** Subtract From Minus One Extended. RT <- ¬(RA) + CA - 1; CA. */
export const subfme = ppc("subfme", {
  pattern: "XO-form: 31 RT RA /5 OE 232 Rc",
  syntax: "RT, RA",
  cycleClass: "alu",
  semantics: extended((b, { RA }, mode) => [b.not(RA.read(b)), b.constant(mode, -1)]),
  examples: [
    "7c6401d0 | subfme r3, r4 | r4=fffffffe ca=1 => r3=1 ca=1 | 32",
    "7c6401d0 | subfme r3, r4 | r4=fffffffffffffffe ca=1 => r3=1 ca=1 | 64",
  ],
});

/** Subtract From Zero Extended. RT <- ¬(RA) + CA; CA. */
export const subfze = ppc("subfze", {
  pattern: "XO-form: 31 RT RA /5 OE 200 Rc",
  syntax: "RT, RA",
  cycleClass: "alu",
  semantics: extended((b, { RA }, mode) => [b.not(RA.read(b)), b.constant(mode, 0)]),
  examples: [
    "7c640190 | subfze r3, r4 | r4=0 ca=1 => r3=0 ca=1",
    "7c640190 | subfze r3, r4 | r4=0 => r3=ffffffff ca=0 | 32",
  ],
});

/** Negate. RT <- ¬(RA) + 1. */
export const neg = ppc("neg", {
  pattern: "XO-form: 31 RT RA /5 OE 104 Rc",
  syntax: "RT, RA",
  cycleClass: "alu",
  semantics(b, { RT, RA }, variant) {
    const x = RA.read(b), most = b.constant(variant.mode, 1n << BigInt(variant.mode - 1));
    finish(b, RT, variant, b.neg(x), () => b.eq(x, most));
  },
  examples: [
    "7c6400d0 | neg r3, r4 | r4=1 => r3=ffffffff | 32",
    "7c6404d1 | nego. r3, r4 | r4=80000000 => r3=80000000 ov=1 so=1 cr0=9 | 32",
    "7c6404d1 | nego. r3, r4 | r4=80000000 => r3=ffffffff80000000 ov=0 cr0=8 | 64",
  ],
});

export const ADD: readonly Definition[] = [
  ...[addi, addis, addic, addicRecord, subfic, add, addc, adde, addme, addze],
  ...[subf, subfc, subfe, subfme, subfze, neg],
];
