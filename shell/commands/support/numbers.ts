/** Words of a command line as numbers of the range that the command can use. */
import type { Session } from "../../session.ts";
import { addressOfLine, isSourcePlace } from "./source_files.ts";

/**
 * The value of `text` as a number.
 * @throws {RangeError} where it is not between `least` and `most`; `what` names it in the message.
 */
export function numberOf(
  session: Session,
  text: string,
  what: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = session.evaluateNumber(text);
  if (value < BigInt(least) || value > BigInt(most)) {
    const given = /^-?(0x)?[0-9a-f]+$/i.test(text) ? text : `${text} = ${value}`;
    throw new RangeError(`${what} ${given} is not between ${show(least)} and ${show(most)}`);
  }
  return Number(value);
}

/**
 * An address, cut to the guest's address width (so that `-4` counts from the top). `SEGMENT:OFFSET` is a
 * real-mode address, `SEGMENT * 16 + OFFSET`; `FILE:LINE` is the code of a source line.
 */
export function addressOf(session: Session, text: string): bigint {
  const parts = text.split(":");
  if (parts.length === 2 && isSourcePlace(session, text)) return addressOfLine(session, text);
  const value = parts.length === 2
    ? session.evaluateNumber(parts[0]) * 16n + session.evaluateNumber(parts[1])
    : session.evaluateNumber(text);
  return BigInt.asUintN(session.vm.isa.addressWidth, value);
}

/**
 * A value for a place of `bytes` bytes, signed or not, cut to its width.
 * @throws {RangeError} where it does not fit.
 */
export function valueOf(session: Session, text: string, bytes: number, what: string): bigint {
  const value = session.evaluateNumber(text);
  const bits = bytes * 8;
  if (BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, value) !== value) {
    throw new RangeError(`${what} ${text} does not fit in ${bytes} byte${bytes === 1 ? "" : "s"}`);
  }
  return BigInt.asUintN(bits, value);
}

const SIZES: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  "1": 1,
  "2": 2,
  "4": 4,
  "8": 8,
  b: 1,
  w: 2,
  l: 4,
  q: 8,
};

/** An access size: 1, 2, 4 or 8, or its letter b, w, l or q. */
export function sizeOf(text: string): 1 | 2 | 4 | 8 {
  const size = SIZES[text.toLowerCase()];
  if (size === undefined) throw new RangeError(`size "${text}" is not 1, 2, 4 or 8 (bytes)`);
  return size;
}

function show(value: number): string {
  return value > 9999 ? `0x${value.toString(16)}` : String(value);
}
