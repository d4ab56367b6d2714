/** The floating-point operations by the numbers that definitions call them by. */
import {
  add,
  divide,
  multiply,
  multiplyAdd,
  reciprocal,
  reciprocalRoot,
  squareRoot,
  subtract,
  type Work,
} from "./arithmetic.ts";
import { fromInteger, INTEGERS, roundToSingle, roundToWhole, toInteger } from "./convert.ts";
import { fastAdd, fastDivide, fastMultiply, type FastOperation, fastSubtract } from "./fast.ts";
import { ROUND, type Status } from "./fpscr.ts";
import { DOUBLE, type Format, SINGLE } from "./round.ts";

/** frA, frB, frC as 64 bits; those that the instruction has not are 0. */
export type FloatOperands = readonly [a: bigint, b: bigint, c: bigint];

/** Computes a result and leaves its status; undefined: the target keeps what it holds. */
export type FloatOperation = (status: Status, operands: FloatOperands) => bigint | undefined;

type Meaning = (work: Work, operands: FloatOperands) => bigint | undefined;

const by = (format: Format, meaning: Meaning): FloatOperation => (status, operands) =>
  meaning({ status, format }, operands);

/** The same operation in double format and, with an `s` behind its name, rounded to single. */
function both(name: string, meaning: Meaning): [string, FloatOperation][] {
  return [[name, by(DOUBLE, meaning)], [`${name}s`, by(SINGLE, meaning)]];
}

/** The double one of a pair with a quick way tried first: where that gives nothing, the exact way is taken. */
function withQuick(
  quick: FastOperation,
  [[name, exact], ...rest]: readonly [string, FloatOperation][],
): [string, FloatOperation][] {
  return [[name, (status, operands) => quick(status, operands) ?? exact(status, operands)], ...rest];
}

const fused = (minus: boolean, negate: boolean): Meaning => (work, operands) =>
  multiplyAdd(work, operands, { minus, negate });

/** A conversion to an integer, by FPSCR's rounding mode and, with a `z`, toward zero. */
function toIntegers(
  name: string,
  format: typeof INTEGERS[keyof typeof INTEGERS],
): [string, FloatOperation][] {
  return [
    [name, by(DOUBLE, (work, [, b]) => toInteger(work, b, format, work.status.rounding))],
    [`${name}z`, by(DOUBLE, (work, [, b]) => toInteger(work, b, format, ROUND.zero))],
  ];
}

const OPERATIONS: readonly (readonly [string, FloatOperation])[] = [
  ...withQuick(fastAdd, both("fadd", (work, [a, b]) => add(work, a, b))),
  ...withQuick(fastSubtract, both("fsub", (work, [a, b]) => subtract(work, a, b))),
  ...withQuick(fastMultiply, both("fmul", (work, [a, , c]) => multiply(work, a, c))),
  ...withQuick(fastDivide, both("fdiv", (work, [a, b]) => divide(work, a, b))),
  ...both("fsqrt", (work, [, b]) => squareRoot(work, b)),
  ...both("fmadd", fused(false, false)),
  ...both("fmsub", fused(true, false)),
  ...both("fnmadd", fused(false, true)),
  ...both("fnmsub", fused(true, true)),
  ["fre", by(DOUBLE, (work, [, b]) => reciprocal(work, b))],
  ["fres", by(SINGLE, (work, [, b]) => reciprocal(work, b))],
  ...both("frsqrte", (work, [, b]) => reciprocalRoot(work, b)),
  ["frsp", by(SINGLE, (work, [, b]) => roundToSingle(work, b))],
  ...toIntegers("fctiw", INTEGERS.word),
  ...toIntegers("fctiwu", INTEGERS.unsignedWord),
  ...toIntegers("fctid", INTEGERS.doubleword),
  ...toIntegers("fctidu", INTEGERS.unsignedDoubleword),
  ...both("fcfid", (work, [, b]) => fromInteger(work, b, true)),
  ...both("fcfidu", (work, [, b]) => fromInteger(work, b, false)),
  ["frin", by(DOUBLE, (work, [, b]) => roundToWhole(work, b, "away"))],
  ["friz", by(DOUBLE, (work, [, b]) => roundToWhole(work, b, ROUND.zero))],
  ["frip", by(DOUBLE, (work, [, b]) => roundToWhole(work, b, ROUND.up))],
  ["frim", by(DOUBLE, (work, [, b]) => roundToWhole(work, b, ROUND.down))],
];

/** By number. */
export const FLOAT_OPERATIONS: readonly FloatOperation[] = OPERATIONS.map(([, operation]) => operation);

const numbers = new Map(OPERATIONS.map(([name], number) => [name, number]));

/** The number of the operation that a mnemonic names. Throws `TypeError` for one that there is not. */
export function floatOperation(mnemonic: string): number {
  const number = numbers.get(mnemonic);
  if (number === undefined) throw new TypeError(`there is no floating-point operation ${mnemonic}`);
  return number;
}
