/**
 * Floating-point arithmetic, rounding, conversion and comparison (Power ISA 2.07B Book I 4.6.6 to 4.6.8). What an
 * operation computes is `float/operations.ts`'s, by the mnemonic: rounding and exceptions, to the bit.
 */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, type InstructionRecord, ppc, type Variant } from "../definition.ts";
import { floatOperation } from "../float/operations.ts";
import { needFloat, raiseEnabled, recordStatus } from "../float_access.ts";
import type { Operands } from "../operands.ts";
import type { PpcMode } from "../state.ts";

/** FRT <- operation((FRA), (FRB), (FRC)); FPSCR; CR1 if Rc=1. One form does for all operations. */
function compute<V extends Value>(b: Ops<V>, operands: Operands<V>, { Rc }: Variant): void {
  const { FRT, FRA, FRB, FRC, operation } = operands;
  needFloat(b);
  const values = [FRA.read(b), FRB.read(b), FRC.read(b), FRT.read(b)];
  FRT.write(b, b.trap("float", [operation.word(b), ...values], 64));
  if (Rc) recordStatus(b);
  raiseEnabled(b);
}

/** The operands' places: fields that the instruction has not are 0 in it, so f0 is read and not looked at. */
const SHAPES = {
  ab: { cells: "FRT FRA FRB /5", syntax: "FRT, FRA, FRB" },
  ac: { cells: "FRT FRA /5 FRC", syntax: "FRT, FRA, FRC" },
  abc: { cells: "FRT FRA FRB FRC", syntax: "FRT, FRA, FRC, FRB" },
  b: { cells: "FRT /5 FRB /5", syntax: "FRT, FRB" },
} as const;

interface Rest {
  readonly only?: PpcMode;
  readonly cycleClass?: string;
  readonly examples: readonly string[];
}

function record(mnemonic: string, pattern: string, syntax: string, rest: Rest): Definition {
  const { cycleClass = "float", only, examples } = rest;
  return ppc(mnemonic, {
    pattern,
    syntax,
    cycleClass,
    only,
    operands: ["FRT", "FRA", "FRB", "FRC", "operation"],
    shares: { form: `${cycleClass} operation`, operation: floatOperation(mnemonic) },
    semantics: compute,
    examples,
  });
}

/** An A-form operation: primary opcode 63 in double format, 59 rounded to single. */
function arithmetic(
  mnemonic: string,
  opcode: 59 | 63,
  shape: keyof typeof SHAPES,
  extended: number,
  rest: Rest,
): Definition {
  const { cells, syntax } = SHAPES[shape];
  return record(mnemonic, `A-form: ${opcode} ${cells} ${extended}:5 Rc`, syntax, rest);
}

/** An X-form operation on FRB. */
function conversion(mnemonic: string, opcode: 59 | 63, extended: number, rest: Rest): Definition {
  return record(mnemonic, `X-form: ${opcode} FRT /5 FRB ${extended} Rc`, "FRT, FRB", rest);
}

/** FRT <- (FRA) + (FRB). */
export const ADDITION = [
  arithmetic("fadd", 63, "ab", 21, {
    examples: [
      "fc64282a | fadd f3, f4, f5 | f4=3ff0000000000000 f5=4000000000000000 => f3=4008000000000000 fpscr=4000",
      "fc64282a | fadd f3, f4, f5 | f4=3ff0000000000000 f5=3c90000000000000 => f3=3ff0000000000000 fpscr=82024000",
      "fc64282a | fadd f3, f4, f5 | f4=7ff0000000000000 f5=fff0000000000000 => f3=7ff8000000000000 fpscr=a0811000",
      "fc64282b | fadd. f3, f4, f5 | f3=5 f4=7ff0000000000001 f5=0 fpscr=80 => f3=5 fpscr=e1000080 cr1=e",
    ],
  }),
  arithmetic("fadds", 59, "ab", 21, {
    examples: [
      "ec64282a | fadds f3, f4, f5 | f4=3ff0000000000000 f5=3e70000000000000 => f3=3ff0000000000000 fpscr=82024000",
      "ec64282a | fadds f3, f4, f5 | f4=47efffffe0000000 f5=47efffffe0000000 fpscr=1 => f3=47efffffe0000000 fpscr=92024001",
    ],
  }),
];

/** FRT <- (FRA) - (FRB). */
export const SUBTRACTION = [
  arithmetic("fsub", 63, "ab", 20, {
    examples: [
      "fc642828 | fsub f3, f4, f5 | f4=3ff0000000000000 f5=3ff0000000000000 fpscr=3 => f3=8000000000000000 fpscr=12003",
      "fc642828 | fsub f3, f4, f5 | f4=0 f5=fff8000000000005 => f3=fff8000000000005 fpscr=11000",
    ],
  }),
  arithmetic("fsubs", 59, "ab", 20, {
    examples: [
      "ec642828 | fsubs f3, f4, f5 | f4=3ff0000000000000 f5=3e60000000000000 => f3=3ff0000000000000 fpscr=82064000",
    ],
  }),
];

/** FRT <- (FRA) x (FRC). */
export const MULTIPLICATION = [
  arithmetic("fmul", 63, "ac", 25, {
    examples: [
      "fc6401b2 | fmul f3, f4, f6 | f4=3ff8000000000000 f6=c000000000000000 => f3=c008000000000000 fpscr=8000",
      "fc6401b2 | fmul f3, f4, f6 | f4=0010000000000000 f6=3fe0000000000001 => f3=8000000000000 fpscr=8a034000",
      "fc6401b2 | fmul f3, f4, f6 | f4=0 f6=7ff0000000000000 => f3=7ff8000000000000 fpscr=a0111000",
    ],
  }),
  arithmetic("fmuls", 59, "ac", 25, {
    examples: [
      "ec6401b2 | fmuls f3, f4, f6 | f4=36a0000000000000 f6=3fe8000000000000 => f3=36a0000000000000 fpscr=8a074000",
    ],
  }),
];

/** FRT <- (FRA) / (FRB). */
export const DIVISION = [
  arithmetic("fdiv", 63, "ab", 18, {
    cycleClass: "float-divide",
    examples: [
      "fc642824 | fdiv f3, f4, f5 | f4=3ff0000000000000 f5=4008000000000000 => f3=3fd5555555555555 fpscr=82024000",
      "fc642824 | fdiv f3, f4, f5 | f4=bff0000000000000 f5=0 => f3=fff0000000000000 fpscr=84009000",
      "fc642824 | fdiv f3, f4, f5 | f3=7 f4=bff0000000000000 f5=0 fpscr=10 => f3=7 fpscr=c4000010",
    ],
  }),
  arithmetic("fdivs", 59, "ab", 18, {
    cycleClass: "float-divide",
    examples: [
      "ec642824 | fdivs f3, f4, f5 | f4=3ff0000000000000 f5=4008000000000000 => f3=3fd5555560000000 fpscr=82064000",
    ],
  }),
];

/** FRT <- the square root of (FRB). Optional before ISA 2.0: the 603 and 750 have none. */
export const SQUARE_ROOT = [
  arithmetic("fsqrt", 63, "b", 22, {
    only: 64,
    cycleClass: "float-divide",
    examples: [
      "fc60282c | fsqrt f3, f5 | f5=4000000000000000 => f3=3ff6a09e667f3bcd fpscr=82064000",
      "fc60282c | fsqrt f3, f5 | f5=8000000000000000 => f3=8000000000000000 fpscr=12000",
      "fc60282c | fsqrt f3, f5 | f5=bff0000000000000 => f3=7ff8000000000000 fpscr=a0011200",
    ],
  }),
  arithmetic("fsqrts", 59, "b", 22, {
    only: 64,
    cycleClass: "float-divide",
    examples: ["ec60282c | fsqrts f3, f5 | f5=4010000000000000 => f3=4000000000000000 fpscr=4000"],
  }),
];

/** FRT <- +-((FRA) x (FRC) +- (FRB)), rounded once. */
export const MULTIPLY_ADD = [
  arithmetic("fmadd", 63, "abc", 29, {
    examples: [
      "fc6429ba | fmadd f3, f4, f6, f5 | f4=4000000000000000 f5=3ff0000000000000 f6=4008000000000000 => f3=401c000000000000 fpscr=4000",
      "fc6429ba | fmadd f3, f4, f6, f5 | f4=3ff0000000000001 f5=bff0000000000000 f6=3ff0000000000001 => f3=3cc0000000000000 fpscr=82024000",
      "fc6429ba | fmadd f3, f4, f6, f5 | f4=0 f5=7ff8000000000005 f6=7ff0000000000000 => f3=7ff8000000000005 fpscr=a0111000",
    ],
  }),
  arithmetic("fmadds", 59, "abc", 29, {
    examples: [
      "ec6429ba | fmadds f3, f4, f6, f5 | f4=4000000000000000 f5=3ff0000000000000 f6=4008000000000000 => f3=401c000000000000 fpscr=4000",
    ],
  }),
  arithmetic("fmsub", 63, "abc", 28, {
    examples: [
      "fc6429b8 | fmsub f3, f4, f6, f5 | f4=4000000000000000 f5=3ff0000000000000 f6=4008000000000000 => f3=4014000000000000 fpscr=4000",
    ],
  }),
  arithmetic("fmsubs", 59, "abc", 28, {
    examples: [
      "ec6429b8 | fmsubs f3, f4, f6, f5 | f4=7ff0000000000000 f5=7ff0000000000000 f6=4008000000000000 => f3=7ff8000000000000 fpscr=a0811000",
    ],
  }),
  arithmetic("fnmadd", 63, "abc", 31, {
    examples: [
      "fc6429be | fnmadd f3, f4, f6, f5 | f4=4000000000000000 f5=3ff0000000000000 f6=4008000000000000 => f3=c01c000000000000 fpscr=8000",
      "fc6429be | fnmadd f3, f4, f6, f5 | f4=7ff8000000000001 f5=0 f6=0 => f3=7ff8000000000001 fpscr=11000",
    ],
  }),
  arithmetic("fnmadds", 59, "abc", 31, {
    examples: ["ec6429be | fnmadds f3, f4, f6, f5 | f4=0 f5=0 f6=0 => f3=8000000000000000 fpscr=12000"],
  }),
  arithmetic("fnmsub", 63, "abc", 30, {
    examples: [
      "fc6429bc | fnmsub f3, f4, f6, f5 | f4=4000000000000000 f5=3ff0000000000000 f6=4008000000000000 => f3=c014000000000000 fpscr=8000",
    ],
  }),
  arithmetic("fnmsubs", 59, "abc", 30, {
    examples: [
      "ec6429bc | fnmsubs f3, f4, f6, f5 | f4=4000000000000000 f5=4018000000000000 f6=4008000000000000 => f3=8000000000000000 fpscr=12000",
    ],
  }),
];

/** Estimates of 1 / (FRB) and 1 / the square root of (FRB): see `reciprocal`. */
export const ESTIMATES = [
  arithmetic("fre", 63, "b", 24, {
    only: 64,
    examples: ["fc602830 | fre f3, f5 | f5=4010000000000000 => f3=3fd0000000000000 fpscr=4000"],
  }),
  arithmetic("fres", 59, "b", 24, {
    examples: ["ec602830 | fres f3, f5 | f5=8000000000000000 => f3=fff0000000000000 fpscr=84009000"],
  }),
  arithmetic("frsqrte", 63, "b", 26, {
    examples: [
      "fc602834 | frsqrte f3, f5 | f5=4010000000000000 => f3=3fe0000000000000 fpscr=4000",
      "fc602834 | frsqrte f3, f5 | f5=bff0000000000000 => f3=7ff8000000000000 fpscr=a0011200",
    ],
  }),
  arithmetic("frsqrtes", 59, "b", 26, {
    only: 64,
    examples: ["ec602834 | frsqrtes f3, f5 | f5=7ff0000000000000 => f3=0 fpscr=2000"],
  }),
];

/** Rounding to single, conversion to and from integers, rounding to whole numbers. */
export const CONVERSIONS = [
  conversion("frsp", 63, 12, {
    examples: [
      "fc602818 | frsp f3, f5 | f5=400921fb54442d18 => f3=400921fb60000000 fpscr=82064000",
      "fc602818 | frsp f3, f5 | f5=7ff0000020000001 => f3=7ff8000020000000 fpscr=a1011000",
    ],
  }),
  conversion("fctiw", 63, 14, {
    examples: [
      "fc60281c | fctiw f3, f5 | f5=3ff8000000000000 => f3=2 fpscr=82060000",
      "fc60281c | fctiw f3, f5 | f5=41e0000000000000 => f3=7fffffff fpscr=a0000100",
    ],
  }),
  conversion("fctiwz", 63, 15, {
    examples: [
      "fc60281e | fctiwz f3, f5 | f5=bff8000000000000 => f3=ffffffffffffffff fpscr=82020000",
      "fc60281e | fctiwz f3, f5 | f5=7ff8000000000000 => f3=ffffffff80000000 fpscr=a0000100",
    ],
  }),
  conversion("fctiwu", 63, 142, {
    only: 64,
    examples: ["fc60291c | fctiwu f3, f5 | f5=bff0000000000000 => f3=0 fpscr=a0000100"],
  }),
  conversion("fctiwuz", 63, 143, {
    only: 64,
    examples: ["fc60291e | fctiwuz f3, f5 | f5=41efffffffe00000 => f3=ffffffff fpscr=0"],
  }),
  conversion("fctid", 63, 814, {
    only: 64,
    examples: ["fc602e5c | fctid f3, f5 | f5=c3e0000000000000 => f3=8000000000000000 fpscr=0"],
  }),
  conversion("fctidz", 63, 815, {
    only: 64,
    examples: ["fc602e5e | fctidz f3, f5 | f5=43e0000000000000 => f3=7fffffffffffffff fpscr=a0000100"],
  }),
  conversion("fctidu", 63, 942, {
    only: 64,
    examples: ["fc602f5c | fctidu f3, f5 | f5=bfe0000000000000 => f3=0 fpscr=82020000"],
  }),
  conversion("fctiduz", 63, 943, {
    only: 64,
    examples: ["fc602f5e | fctiduz f3, f5 | f5=43efffffffffffff => f3=fffffffffffff800 fpscr=0"],
  }),
  conversion("fcfid", 63, 846, {
    only: 64,
    examples: ["fc602e9c | fcfid f3, f5 | f5=ffffffffffffffff => f3=bff0000000000000 fpscr=8000"],
  }),
  conversion("fcfids", 59, 846, {
    only: 64,
    examples: ["ec602e9c | fcfids f3, f5 | f5=1000001 => f3=4170000000000000 fpscr=82024000"],
  }),
  conversion("fcfidu", 63, 974, {
    only: 64,
    examples: ["fc602f9c | fcfidu f3, f5 | f5=ffffffffffffffff => f3=43f0000000000000 fpscr=82064000"],
  }),
  conversion("fcfidus", 59, 974, {
    only: 64,
    examples: ["ec602f9c | fcfidus f3, f5 | f5=0 => f3=0 fpscr=2000"],
  }),
  conversion("frin", 63, 392, {
    only: 64,
    examples: ["fc602b10 | frin f3, f5 | f5=4004000000000000 => f3=4008000000000000 fpscr=4000"],
  }),
  conversion("friz", 63, 424, {
    only: 64,
    examples: ["fc602b50 | friz f3, f5 | f5=bfe8000000000000 => f3=8000000000000000 fpscr=12000"],
  }),
  conversion("frip", 63, 456, {
    only: 64,
    examples: ["fc602b90 | frip f3, f5 | f5=3ff0000000000001 => f3=4000000000000000 fpscr=4000"],
  }),
  conversion("frim", 63, 488, {
    only: 64,
    examples: ["fc602bd0 | frim f3, f5 | f5=bff0000000000001 => f3=c000000000000000 fpscr=8000"],
  }),
];

/** CR field BF <- (FRA) against (FRB): less, greater, equal or unordered; FPCC. */
function comparison(
  mnemonic: string,
  ordered: boolean,
  record: Pick<InstructionRecord, "pattern" | "examples">,
) {
  return ppc(mnemonic, {
    ...record,
    syntax: "BF, FRA, FRB",
    cycleClass: "float",
    semantics(b, { BF, FRA, FRB }) {
      needFloat(b);
      const values = [FRA.read(b), FRB.read(b), b.constant(32, ordered ? 1 : 0)];
      BF.write(b, b.trap("floatCompare", values, 32));
      raiseEnabled(b);
    },
  });
}

/** Floating Compare Unordered: a quiet NaN is no exception. */
export const fcmpu = comparison("fcmpu", false, {
  pattern: "X-form: 63 BF /2 FRA FRB 0 /1",
  examples: [
    "fc832800 | fcmpu cr1, f3, f5 | f3=bff0000000000000 f5=0 => cr1=8 fpscr=8000",
    "ff832800 | fcmpu cr7, f3, f5 | f3=7ff8000000000000 f5=0 => cr7=1 fpscr=1000",
    "fc032800 | fcmpu cr0, f3, f5 | f3=0 f5=8000000000000000 => cr0=2 fpscr=2000",
  ],
});

/** Floating Compare Ordered: any NaN is one. */
export const fcmpo = comparison("fcmpo", true, {
  pattern: "X-form: 63 BF /2 FRA FRB 32 /1",
  examples: [
    "fc032840 | fcmpo cr0, f3, f5 | f3=7ff0000000000000 f5=0 => cr0=4 fpscr=4000",
    "fc032840 | fcmpo cr0, f3, f5 | f3=7ff8000000000000 f5=0 => cr0=1 fpscr=a0081000",
    "fc032840 | fcmpo cr0, f3, f5 | f3=7ff0000000000001 f5=0 fpscr=80 => cr0=1 fpscr=e1001080",
  ],
});

export const FLOAT_ARITHMETIC: readonly Definition[] = [
  ...[ADDITION, SUBTRACTION, MULTIPLICATION, DIVISION, SQUARE_ROOT, MULTIPLY_ADD, ESTIMATES, CONVERSIONS]
    .flat(),
  ...[fcmpu, fcmpo],
];
