/** Floating-point moves, sign operations and selection (Power ISA 2.07B Book I 4.6.5 and 4.6.9): FPSCR stays. */
import type { Ops, Value } from "../../ir/ops.ts";
import { type Definition, type InstructionRecord, ppc } from "../definition.ts";
import { needFloat, recordStatus } from "../float_access.ts";
import type { Operands } from "../operands.ts";

const SIGN = 1n << 63n;

type Result = <V extends Value>(b: Ops<V>, operands: Operands<V>) => V;

/** FRT <- result; CR1 if Rc=1. */
function move(
  mnemonic: string,
  record: Pick<InstructionRecord, "pattern" | "syntax" | "only" | "examples">,
  result: Result,
): Definition {
  return ppc(mnemonic, {
    ...record,
    cycleClass: "float",
    semantics(b, operands, { Rc }) {
      needFloat(b);
      operands.FRT.write(b, result(b, operands));
      if (Rc) recordStatus(b);
    },
  });
}

/** Floating Move Register. FRT <- (FRB). */
export const fmr = move("fmr", {
  pattern: "X-form: 63 FRT /5 FRB 72 Rc",
  syntax: "FRT, FRB",
  examples: [
    "fc602090 | fmr f3, f4 | f4=7ff0000000000001 => f3=7ff0000000000001",
    "fc602091 | fmr. f3, f4 | f4=1 fpscr=92000000 => f3=1 cr1=9",
  ],
}, (b, { FRB }) => FRB.read(b));

/** Floating Negate. FRT <- ¬FRB0 || (FRB)1:63. */
export const fneg = move("fneg", {
  pattern: "X-form: 63 FRT /5 FRB 40 Rc",
  syntax: "FRT, FRB",
  examples: ["fc602050 | fneg f3, f4 | f4=7ff0000000000001 => f3=fff0000000000001"],
}, (b, { FRB }) => b.xor(FRB.read(b), b.constant(64, SIGN)));

/** Floating Absolute Value. FRT <- 0 || (FRB)1:63. */
export const fabs = move("fabs", {
  pattern: "X-form: 63 FRT /5 FRB 264 Rc",
  syntax: "FRT, FRB",
  examples: ["fc602210 | fabs f3, f4 | f4=fff8000000000000 => f3=7ff8000000000000"],
}, (b, { FRB }) => b.and(FRB.read(b), b.constant(64, SIGN - 1n)));

/** Floating Negative Absolute Value. FRT <- 1 || (FRB)1:63. */
export const fnabs = move("fnabs", {
  pattern: "X-form: 63 FRT /5 FRB 136 Rc",
  syntax: "FRT, FRB",
  examples: ["fc602110 | fnabs f3, f4 | f4=0 => f3=8000000000000000"],
}, (b, { FRB }) => b.or(FRB.read(b), b.constant(64, SIGN)));

/** Floating Copy Sign. FRT <- FRA0 || (FRB)1:63. */
export const fcpsgn = move("fcpsgn", {
  pattern: "X-form: 63 FRT FRA FRB 8 Rc",
  syntax: "FRT, FRA, FRB",
  only: 64,
  examples: ["fc642810 | fcpsgn f3, f4, f5 | f4=8000000000000000 f5=3ff0000000000000 => f3=bff0000000000000"],
}, (b, { FRA, FRB }) => {
  const sign = b.and(FRA.read(b), b.constant(64, SIGN));
  return b.or(sign, b.and(FRB.read(b), b.constant(64, SIGN - 1n)));
});

/** Floating Select. FRT <- (FRA) >= 0.0 ? (FRC) : (FRB); a NaN is not, and -0 is. */
export const fsel = move("fsel", {
  pattern: "A-form: 63 FRT FRA FRB FRC 23:5 Rc",
  syntax: "FRT, FRA, FRC, FRB",
  examples: [
    "fc6429ae | fsel f3, f4, f6, f5 | f4=8000000000000000 f5=5 f6=6 => f3=6",
    "fc6429ae | fsel f3, f4, f6, f5 | f4=8000000000000001 f5=5 f6=6 => f3=5",
    "fc6429ae | fsel f3, f4, f6, f5 | f4=7ff0000000000001 f5=5 f6=6 => f3=5",
    "fc6429ae | fsel f3, f4, f6, f5 | f4=7ff0000000000000 f5=5 f6=6 => f3=6",
  ],
}, (b, { FRA, FRB, FRC }) => {
  const a = FRA.read(b), infinity = b.constant(64, 0x7ffn << 52n);
  const chosen = b.or(b.leu(a, infinity), b.eq(a, b.constant(64, SIGN)));
  return b.select(chosen, FRC.read(b), FRB.read(b));
});

export const FLOAT_MOVE: readonly Definition[] = [fmr, fneg, fabs, fnabs, fcpsgn, fsel];
